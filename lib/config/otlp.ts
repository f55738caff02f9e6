import type { Signal } from './known-values.constants.js';
import {
  type EndpointAddress,
  type Parsed,
  endpointOrigin,
  endpointUrl,
  parseEndpoint,
} from './endpoints.js';
import type { OtlpProtocol, TelemetryOptions } from './telemetry-options.interface.js';
import type { EnvironmentValues } from './environment-variables.constants.js';
import type { OtlpTarget } from './telemetry-config.interface.js';

/** Ports that the OpenTelemetry specification gives to OTLP. */
export const OTLP_GRPC_PORT = 4317;
export const OTLP_HTTP_PORT = 4318;

/** Takes an OTLP address apart, or says what to write instead. */
export function parseOtlpEndpoint(text: string): Parsed<EndpointAddress> {
  return parseEndpoint(text, ['http', 'https'], 'http://localhost:4318 or localhost:4317');
}

/** What a receiver at this address most likely speaks. */
function inferOtlpProtocol(address: EndpointAddress): OtlpProtocol {
  return address.port === OTLP_GRPC_PORT ? 'grpc' : 'http/protobuf';
}

/** Complete address for one signal of a receiver whose base address is given: HTTP gets `/v1/<signal>` appended. */
export function otlpBaseUrl(address: EndpointAddress, protocol: OtlpProtocol, signal: Signal): string {
  if (protocol === 'grpc') return grpcUrl(address);
  // A base address copied from a per-signal one would otherwise end in /v1/traces/v1/traces.
  const base = address.path.replace(/\/v1\/(?:traces|metrics|logs)$/, '');
  return endpointUrl(address, OTLP_HTTP_PORT, `${base}/v1/${signal}`);
}

/** Complete address of a per-signal variable, which the specification wants used as it is. */
function otlpSignalUrl(address: EndpointAddress, protocol: OtlpProtocol): string {
  if (protocol === 'grpc') return grpcUrl(address);
  return endpointUrl(address, OTLP_HTTP_PORT, address.path === '' ? '/' : address.path);
}

function grpcUrl(address: EndpointAddress): string {
  return endpointOrigin(address, address.port ?? (address.scheme === 'https' ? 443 : OTLP_GRPC_PORT));
}

/** The variables of one signal, by what they say. */
const SIGNAL_VARIABLES = {
  traces: {
    endpoint: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    headers: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    protocol: 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
  },
  metrics: {
    endpoint: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    headers: 'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
    protocol: 'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL',
  },
  logs: {
    endpoint: 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    headers: 'OTEL_EXPORTER_OTLP_LOGS_HEADERS',
    protocol: 'OTEL_EXPORTER_OTLP_LOGS_PROTOCOL',
  },
} as const satisfies Record<Signal, unknown>;

/**
 * Where one signal is sent by OTLP: the option, else the variable of the signal, else the common variable.
 *
 * @param asked whether OTLP was asked for by name, so that without any address the local default holds
 */
export function resolveOtlpTargets(
  signal: Signal,
  options: TelemetryOptions,
  env: EnvironmentValues,
  asked: boolean,
): readonly OtlpTarget[] {
  const names = SIGNAL_VARIABLES[signal];
  const explicit = options.otlpProtocol ?? env[names.protocol] ?? env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const headers = Object.freeze({
    ...env.OTEL_EXPORTER_OTLP_HEADERS,
    ...env[names.headers],
    ...options.otlpHeaders,
  });
  const target = (url: string, protocol: OtlpProtocol) =>
    Object.freeze([Object.freeze({ url, protocol, headers })]);

  const inCode =
    options.otlpEndpoint === undefined ? undefined : parseOtlpEndpoint(options.otlpEndpoint).value;
  const ofSignal = env[names.endpoint];
  if (inCode === undefined && ofSignal !== undefined) {
    const protocol = explicit ?? inferOtlpProtocol(ofSignal);
    return target(otlpSignalUrl(ofSignal, protocol), protocol);
  }
  const base = inCode ?? env.OTEL_EXPORTER_OTLP_ENDPOINT ?? (asked ? localReceiver(explicit) : undefined);
  if (base === undefined) return Object.freeze([]);
  const protocol = explicit ?? inferOtlpProtocol(base);
  return target(otlpBaseUrl(base, protocol, signal), protocol);
}

/** The list without destinations that would get everything twice; the first of equals stays. */
export function withoutDuplicates(targets: readonly OtlpTarget[]): readonly OtlpTarget[] {
  return Object.freeze(
    targets.filter(({ url }, index) => targets.findIndex((other) => other.url === url) === index),
  );
}

function localReceiver(protocol: OtlpProtocol | undefined): EndpointAddress {
  const port = protocol === 'grpc' ? OTLP_GRPC_PORT : OTLP_HTTP_PORT;
  return { scheme: 'http', host: 'localhost', port, path: '', query: '' };
}
