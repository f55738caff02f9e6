import { type OtlpTarget } from '../../../lib/config/otlp.js';
import { type OtlpProtocol } from '../../../lib/config/otlp.js';
import { decodeOtlp } from './decode-otlp.js';
import { type OtlpReceiver, startGrpcReceiver, startHttpReceiver } from './otlp-receiver.js';

export const OTLP_PROTOCOLS: readonly OtlpProtocol[] = ['grpc', 'http/protobuf', 'http/json'];

const CONTENT_TYPES = {
  grpc: 'application/grpc',
  'http/protobuf': 'application/x-protobuf',
  'http/json': 'application/json',
} as const;

const SERVICES = {
  trace: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
};
const PATHS = { trace: '/v1/traces', metrics: '/v1/metrics', logs: '/v1/logs' } as const;

export function startReceiver(protocol: OtlpProtocol): Promise<OtlpReceiver> {
  return protocol === 'grpc' ? startGrpcReceiver() : startHttpReceiver();
}

export function targetFor(
  receiver: OtlpReceiver,
  protocol: OtlpProtocol,
  signal: keyof typeof PATHS,
  headers: Record<string, string> = {},
): OtlpTarget {
  const base = `http://127.0.0.1:${receiver.port}`;
  return { url: protocol === 'grpc' ? base : `${base}${PATHS[signal]}`, protocol, headers };
}

/** What the only request carried, checked to be addressed and labelled as the protocol demands. */
export function receivedPayload(
  receiver: OtlpReceiver,
  protocol: OtlpProtocol,
  signal: keyof typeof PATHS,
): Record<string, unknown> {
  expect(receiver.requests).toHaveLength(1);
  const { path, headers, body } = receiver.requests[0]!;
  expect(headers['content-type']).toBe(CONTENT_TYPES[protocol]);
  expect(path).toBe(
    protocol === 'grpc' ? `/opentelemetry.proto.collector.${SERVICES[signal]}/Export` : PATHS[signal],
  );
  return protocol === 'http/json'
    ? (JSON.parse(body.toString()) as Record<string, unknown>)
    : decodeOtlp(signal, body);
}
