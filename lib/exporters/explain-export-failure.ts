import { inspect } from 'node:util';

import { type ExporterDestination } from './exporter-report.interface.js';
import { isError } from '../errors/is-error.js';

/** One sentence for people: what could not be sent where, why, and what to do about it. */
export function explainExportFailure(destination: ExporterDestination, error: unknown): string {
  const { signal, endpoint, name } = destination;
  const reason = describeError(error);
  return `${signal} could not be sent to ${endpoint} (${name}): ${reason}. ${remedyFor(destination, reason)}`;
}

/** The message of an error, of all attempts of a dual-stack connection, or of an HTTP answer. */
export function describeError(error: unknown): string {
  if (!isError(error)) return error === undefined ? 'no reason given' : inspect(error);
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) {
    return [...new Set(error.errors.map(describeError))].join(', ');
  }
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'number' && code >= 100) return `HTTP ${code} ${error.message}`.trimEnd();
  return error.message === '' ? (typeof code === 'string' ? code : error.name) : error.message;
}

const REFUSED_ACCESS = /HTTP 40[13]\b|UNAUTHENTICATED|PERMISSION_DENIED/;

function remedyFor({ protocol, endpoint }: ExporterDestination, reason: string): string {
  if (protocol === 'jaeger-udp') {
    return (
      'Is Jaeger running there? Check jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT, and that the container publishes ' +
      'the UDP port: 6831 takes compact Thrift, 6832 binary. OTLP (http://host:4318) tells when spans do not arrive.'
    );
  }
  if (protocol === 'jaeger-http') {
    return (
      'Is Jaeger running there? Check jaegerEndpoint / OTEL_EXPORTER_JAEGER_ENDPOINT: Thrift over HTTP is taken at ' +
      'http://host:14268/api/traces, OTLP at http://host:4318.'
    );
  }
  if (REFUSED_ACCESS.test(reason)) return 'Check otlpHeaders / OTEL_EXPORTER_OTLP_HEADERS.';
  const overHttp = protocol !== 'grpc';
  const { port } = new URL(endpoint);
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
