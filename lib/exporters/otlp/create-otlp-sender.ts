import { type OtlpTarget } from '../../config/telemetry-config.interface.js';
import { type Signal } from '../exporter-report.interface.js';
import { LazySender } from '../sending/lazy-sender.js';
import { type ExportRequest, type Sender } from '../sending/sender.interface.js';
import { type EncodeRequest, OtlpSender } from './otlp-sender.js';
import { type OtlpSettings } from './otlp-settings.js';
import { findProxy } from './transport/proxy.js';
import { type Transport } from './transport/transport.interface.js';

const SERVICES: Record<Signal, string> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
};

/** Sends requests of a signal by OTLP. What that takes starts loading now, in the background. */
export function createOtlpSender<Request extends ExportRequest>(
  signal: Signal,
  target: OtlpTarget,
  settings: OtlpSettings,
  loadEncoder: () => Promise<EncodeRequest<Request>>,
): Sender<Request> {
  return new LazySender('@opentelemetry/otlp-transformer', async () => {
    const [transport, encode] = await Promise.all([loadTransport(signal, target, settings), loadEncoder()]);
    return new OtlpSender(transport, encode);
  });
}

async function loadTransport(
  signal: Signal,
  target: OtlpTarget,
  { compress, tls }: OtlpSettings,
): Promise<Transport> {
  const url = new URL(target.url);
  const proxy = findProxy(url, target.protocol === 'grpc' ? 'grpc' : 'http');
  const options = { url, headers: target.headers, compress, tls, proxy };
  if (target.protocol === 'grpc') {
    const { GrpcTransport } = await import('./transport/grpc-transport.js');
    return new GrpcTransport(options, `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`);
  }
  const { HttpTransport } = await import('./transport/http-transport.js');
  const contentType = target.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
  return new HttpTransport(options, contentType);
}
