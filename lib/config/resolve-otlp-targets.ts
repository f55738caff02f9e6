import { type EnvironmentValues } from './environment-variables.constants.js';
import { type Signal } from './known-values.constants.js';
import { type EndpointAddress } from './parse-endpoint.js';
import {
  inferOtlpProtocol,
  OTLP_GRPC_PORT,
  OTLP_HTTP_PORT,
  otlpBaseUrl,
  otlpSignalUrl,
  parseOtlpEndpoint,
} from './parse-otlp-endpoint.js';
import { type OtlpTarget } from './telemetry-config.interface.js';
import { type OtlpProtocol, type TelemetryOptions } from './telemetry-options.interface.js';

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
