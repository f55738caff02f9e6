import { option, type OptionsOf, type ValuesIn } from './declare-options.js';
import {
  type EndpointAddress,
  endpointOrigin,
  endpointUrl,
  type Parsed,
  parseEndpoint,
} from './endpoints.js';
import { isHeaderName, isHeaderValue } from './environment.js';
import type { BatchLimits } from './limits.js';
import { endpoint, HIDDEN, isRecord, oneOf, type OptionRule, renderKind } from './option-rules.js';

/** Signals that OTLP carries; the names are those of its paths (`/v1/traces`). */
export const SIGNALS = ['traces', 'metrics', 'logs'] as const;

export type Signal = (typeof SIGNALS)[number];

const OTLP_PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'] as const;

/** Protocols of OTLP, by the names of `OTEL_EXPORTER_OTLP_PROTOCOL`. */
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

/** Options for sending by OTLP. */
export interface OtlpSection {
  /**
   * Base address of an OTLP receiver, with or without scheme: `localhost:4317`, `http://collector:4318`.
   *
   * `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended for HTTP.
   *
   * Default: not sent. Env `OTEL_EXPORTER_OTLP_ENDPOINT`, and one variable per signal.
   */
  otlpEndpoint?: string;
  /**
   * Headers of each OTLP request; merged by name with those of the environment, over which they win.
   * Default none. Env `OTEL_EXPORTER_OTLP_HEADERS`, and one variable per signal.
   */
  otlpHeaders?: Readonly<Record<string, string>>;
  /**
   * Protocol of OTLP: `grpc`, `http/protobuf` or `http/json`.
   * Default `grpc` for port 4317, else `http/protobuf`. Env `OTEL_EXPORTER_OTLP_PROTOCOL`, and one variable per signal.
   */
  otlpProtocol?: OtlpProtocol;
}

/** One OTLP destination of one signal, fully resolved. */
export interface OtlpTarget {
  /** Complete address: with the `/v1/traces` path for HTTP, `http(s)://host:port` for gRPC. */
  readonly url: string;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a configuration file, in place of the variables that the exporters read. */
  readonly settings?: OtlpExporterSettings;
}

/** How a configuration file sets up one exporter; what is missing has its default. */
export interface OtlpExporterSettings {
  /** Longest time for one attempt, in milliseconds. Default 10000. */
  readonly timeoutMs?: number;
  readonly compression?: 'gzip' | 'none';
  /** Paths of PEM files. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** How metrics are sent: as running totals, or as differences. Default `cumulative`. */
  readonly temporality?: 'cumulative' | 'delta' | 'lowmemory';
  /** Of spans and log records. */
  readonly batch?: BatchLimits;
  /** Of metrics. */
  readonly exportIntervalMillis?: number;
  readonly exportTimeoutMillis?: number;
}

const headers: OptionRule = {
  check: (value, name, report) => {
    if (!isRecord(value)) {
      const received = typeof value === 'string' ? HIDDEN : renderKind(value);
      report(name, received, 'Write an object of header names and texts.');
      return;
    }
    for (const [key, entry] of Object.entries(value)) {
      const path = `${name}.${key}`;
      if (typeof entry !== 'string')
        report(
          path,
          renderKind(entry),
          'Write the value of the header as a text, and check that its source is set.',
        );
      else if (!isHeaderName(key))
        report(path, HIDDEN, 'Write a name that HTTP allows: letters, digits and hyphens.');
      else if (!isHeaderValue(entry))
        report(path, HIDDEN, 'Write a value that HTTP allows in a header: one line of Latin-1 text.');
    }
  },
};

const endpointOf = (signal: Signal) =>
  ({
    kind: 'endpoint',
    parse: parseOtlpEndpoint,
    meaning: `Complete OTLP address for ${signal}, used unchanged; wins over \`OTEL_EXPORTER_OTLP_ENDPOINT\`.`,
    otherwise: `\`OTEL_EXPORTER_OTLP_ENDPOINT\` + \`/v1/${signal}\``,
  }) as const;

const headersOf = (signal: Signal) =>
  ({
    kind: 'headers',
    meaning: `OTLP headers for ${signal}; merged by name with the common ones, over which they win.`,
  }) as const;

const protocolOf = (signal: Signal) =>
  ({
    kind: 'choice',
    choices: OTLP_PROTOCOLS,
    meaning: `Protocol of OTLP for ${signal}.`,
    otherwise: '`OTEL_EXPORTER_OTLP_PROTOCOL`',
  }) as const;

export const OTLP_SECTION = {
  otlpEndpoint: option(endpoint(parseOtlpEndpoint, 'http://localhost:4318'), {
    see: '#otlpendpoint',
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: { kind: 'endpoint', parse: parseOtlpEndpoint },
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpointOf('traces'),
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpointOf('metrics'),
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: endpointOf('logs'),
    },
  }),
  otlpHeaders: option(headers, {
    env: {
      OTEL_EXPORTER_OTLP_HEADERS: {
        kind: 'headers',
        meaning:
          'Headers of each OTLP request: `key=value` pairs separated by commas, values percent-encoded.',
      },
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: headersOf('traces'),
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: headersOf('metrics'),
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: headersOf('logs'),
    },
  }),
  otlpProtocol: option(oneOf(OTLP_PROTOCOLS), {
    env: {
      OTEL_EXPORTER_OTLP_PROTOCOL: { kind: 'choice', choices: OTLP_PROTOCOLS },
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocolOf('traces'),
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocolOf('metrics'),
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: protocolOf('logs'),
    },
  }),
} satisfies OptionsOf<OtlpSection>;

export type OtlpValues = ValuesIn<typeof OTLP_SECTION>;

/** Ports that the OpenTelemetry specification gives to OTLP. */
export const OTLP_GRPC_PORT = 4317;
export const OTLP_HTTP_PORT = 4318;

/** Takes an OTLP address apart, or says what to write instead. */
export function parseOtlpEndpoint(text: string): Parsed<EndpointAddress> {
  return parseEndpoint(text, ['http', 'https'], 'http://localhost:4318 or localhost:4317');
}

/** The protocol that a receiver at this address most likely expects. */
function inferOtlpProtocol(address: EndpointAddress): OtlpProtocol {
  return address.port === OTLP_GRPC_PORT ? 'grpc' : 'http/protobuf';
}

/**
 * Complete address for one signal of a receiver whose base address is given: HTTP gets `/v1/<signal>`
 * appended.
 */
export function otlpBaseUrl(address: EndpointAddress, protocol: OtlpProtocol, signal: Signal): string {
  if (protocol === 'grpc') return grpcUrl(address);
  // A base address copied from a per-signal one would otherwise end in /v1/traces/v1/traces.
  const base = address.path.replace(/\/v1\/(?:traces|metrics|logs)$/, '');
  return endpointUrl(address, OTLP_HTTP_PORT, `${base}/v1/${signal}`);
}

/** Address of a gRPC receiver: without a path. */
export function grpcUrl(address: EndpointAddress): string {
  return endpointOrigin(address, address.port ?? (address.scheme === 'https' ? 443 : OTLP_GRPC_PORT));
}

/**
 * Decides where one signal is sent by OTLP: the option, else the variable of the signal, else the common variable.
 *
 * @param exporters those that the variable of the signal lists; undefined when it is not set. Where it
 *   lists OTLP, the local default applies without any address
 * @param inFile targets of a configuration file, over which `otlpEndpoint` in code wins
 */
export function resolveOtlpTargets(
  signal: Signal,
  options: OtlpSection,
  env: OtlpValues,
  exporters: readonly string[] | undefined,
  inFile: readonly OtlpTarget[] | undefined,
): readonly OtlpTarget[] {
  if (inFile !== undefined && options.otlpEndpoint === undefined)
    return Object.freeze(
      inFile.map((target) =>
        Object.freeze({ ...target, headers: Object.freeze({ ...target.headers, ...options.otlpHeaders }) }),
      ),
    );
  const asked = exporters?.includes('otlp');
  if (asked === false) return Object.freeze([]);
  // Literal, for the type: `toUpperCase()` returns any text.
  const variables = `OTEL_EXPORTER_OTLP_${signal.toUpperCase() as Uppercase<Signal>}` as const;
  const explicit = options.otlpProtocol ?? env[`${variables}_PROTOCOL`] ?? env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const headers = Object.freeze({
    ...env.OTEL_EXPORTER_OTLP_HEADERS,
    ...env[`${variables}_HEADERS`],
    ...options.otlpHeaders,
  });
  const target = (url: string, protocol: OtlpProtocol) =>
    Object.freeze([Object.freeze({ url, protocol, headers, ...(inFile !== undefined && { settings: {} }) })]);

  const inCode =
    options.otlpEndpoint === undefined ? undefined : parseOtlpEndpoint(options.otlpEndpoint).value;
  const ofSignal = env[`${variables}_ENDPOINT`];
  if (inCode === undefined && ofSignal !== undefined) {
    const protocol = explicit ?? inferOtlpProtocol(ofSignal);
    // The specification requires that the variable of a signal is used unchanged.
    const path = ofSignal.path === '' ? '/' : ofSignal.path;
    const url = protocol === 'grpc' ? grpcUrl(ofSignal) : endpointUrl(ofSignal, OTLP_HTTP_PORT, path);
    return target(url, protocol);
  }
  const base =
    inCode ?? env.OTEL_EXPORTER_OTLP_ENDPOINT ?? (asked === true ? localReceiver(explicit) : undefined);
  if (base === undefined) return Object.freeze([]);
  const protocol = explicit ?? inferOtlpProtocol(base);
  return target(otlpBaseUrl(base, protocol, signal), protocol);
}

/** Removes destinations that would receive everything twice; the first of equals stays. */
export function withoutDuplicates(targets: readonly OtlpTarget[]): readonly OtlpTarget[] {
  return Object.freeze(
    targets.filter(({ url }, index) => targets.findIndex((other) => other.url === url) === index),
  );
}

function localReceiver(protocol: OtlpProtocol | undefined): EndpointAddress {
  const port = protocol === 'grpc' ? OTLP_GRPC_PORT : OTLP_HTTP_PORT;
  return { scheme: 'http', host: 'localhost', port, path: '', query: '' };
}
