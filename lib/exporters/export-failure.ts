import { inspect } from 'node:util';

import { isError } from '../errors/telemetry.error.js';
import type { Trouble } from './delivery-log.js';
import type { ExporterDestination } from './exporter-report.js';

/** An attempt to send telemetry that failed. */
export class ExportError extends Error {
  override readonly name = 'ExportError';

  /** @param type value of `error.type`: `503`, `UNAVAILABLE`, `timeout`, … */
  constructor(
    message: string,
    readonly type: string,
  ) {
    super(message);
  }
}

/** The `code` of an error of Node. */
export function codeOf(error: unknown): unknown {
  return isError(error) && 'code' in error ? error.code : undefined;
}

/** The value of `error.type` for any error of an exporter. */
export function errorTypeOf(error: unknown): string {
  if (error instanceof ExportError) return error.type;
  if (!isError(error)) return '_OTHER';
  const code = codeOf(error);
  return typeof code === 'string' || typeof code === 'number' ? String(code) : error.name;
}

/** A package could not be loaded. That is logged once, not with each failed export. */
export class ExporterLoadError extends Error {
  override readonly name = 'ExporterLoadError';

  constructor(packageName: string, cause: unknown) {
    super(`${packageName} could not be loaded: ${toError(cause).message}`, { cause });
  }
}

/** Why an export failed, and what to do about it. */
export function explainExportFailure(destination: ExporterDestination, error: unknown): Trouble {
  const reason = describeError(error);
  return {
    reason,
    remedy:
      error instanceof ExporterLoadError
        ? 'Run `npm install` again; if you bundle your application, keep this package external.'
        : remedyFor(destination, reason),
  };
}

/** The message of an error, of all attempts of a dual-stack connection, or of an HTTP answer. */
export function describeError(error: unknown): string {
  if (!isError(error)) return error === undefined ? 'no reason given' : inspect(error);
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) {
    return [...new Set(error.errors.map(describeError))].join(', ');
  }
  const code = codeOf(error);
  if (typeof code === 'number' && code >= 100) return `HTTP ${code} ${error.message}`.trimEnd();
  return error.message === '' ? (typeof code === 'string' ? code : error.name) : error.message;
}

/** What to do about a failure of OTLP, by its reason; the first that matches. */
const OTLP_REMEDIES: readonly (readonly [reason: RegExp, remedy: string])[] = [
  [
    /HTTP 3\d\d\b/,
    'Redirects are not followed: set otlpEndpoint / OTEL_EXPORTER_OTLP_ENDPOINT to the final address.',
  ],
  [/^rejected by/, 'See its log.'],
  [/HTTP (?:429|50[234])\b|RESOURCE_EXHAUSTED/, 'Check the load of the collector.'],
  [
    /certificate|TLS|SSL/i,
    'Check OTEL_EXPORTER_OTLP_CERTIFICATE and the scheme of otlpEndpoint / OTEL_EXPORTER_OTLP_ENDPOINT.',
  ],
  [/HTTP 40[13]\b|UNAUTHENTICATED|PERMISSION_DENIED/, 'Check otlpHeaders / OTEL_EXPORTER_OTLP_HEADERS.'],
  [
    /HTTP 40[45]\b|UNIMPLEMENTED/,
    'Check the path: otlpEndpoint / OTEL_EXPORTER_OTLP_ENDPOINT is the base address, to which /v1/traces is added; the ' +
      'variable of one signal is used unchanged.',
  ],
];

/** What receives at ports that are taken for those of OTLP. */
const OTHER_PORTS: Readonly<Record<string, string>> = {
  6831: 'Port 6831 receives Thrift over UDP: name it in jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT, or send OTLP to port 4318.',
  6832: 'Port 6832 receives Thrift over UDP: name it in jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT, or send OTLP to port 4318.',
  14268:
    'Port 14268 receives Thrift: name it in jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT, or send OTLP to port 4318.',
  16686: "Port 16686 is Jaeger's user interface and receives nothing: send OTLP to port 4318.",
};

function remedyFor({ protocol, endpoint }: ExporterDestination, reason: string): string {
  if (protocol === 'jaeger-udp' && reason.includes('does not fit')) {
    return (
      'The other spans were sent. Put less into its attributes and events, or send to Jaeger through OTLP ' +
      '(http://host:4318) or http://host:14268/api/traces.'
    );
  }
  if (protocol === 'jaeger-udp') {
    return (
      'Is Jaeger running there? Check jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT, and that the container publishes ' +
      'the UDP port: 6831 takes compact Thrift, 6832 binary. OTLP (http://host:4318) reports spans that do not arrive.'
    );
  }
  if (protocol === 'jaeger-http') {
    return (
      'Is Jaeger running there? Check jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT: Thrift over HTTP is received at ' +
      'http://host:14268/api/traces, OTLP at http://host:4318.'
    );
  }
  const known = OTLP_REMEDIES.find(([pattern]) => pattern.test(reason));
  if (known !== undefined) return known[1];
  const overHttp = protocol !== 'grpc';
  if (overHttp && reason.startsWith('Parse Error'))
    return "Another protocol is spoken there: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'grpc', or check the port.";
  const { port } = new URL(endpoint);
  const other = OTHER_PORTS[port];
  if (other !== undefined) return other;
  if (overHttp && port === '4317') {
    return "Port 4317 speaks gRPC: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'grpc', or use port 4318.";
  }
  if (!overHttp && port === '4318') {
    return "Port 4318 speaks HTTP: set otlpProtocol / OTEL_EXPORTER_OTLP_PROTOCOL to 'http/protobuf', or use port 4317.";
  }
  return (
    'Is a collector running there? Check otlpEndpoint / OTEL_EXPORTER_OTLP_ENDPOINT, or jaegerEndpoint where that names ' +
    'an OTLP port (4317 is the usual port of gRPC, 4318 of HTTP).'
  );
}

/** Returns the thrown value, as an Error if it is none. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown));
}
