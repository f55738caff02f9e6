import type { OtlpTarget } from '../../config/otlp.js';
import type { ExporterDestination, Signal } from '../exporter-report.js';
import { type Delivery, type ExportRequest, LazySender, type Sender } from '../sending/sender.js';
import type { OtlpSettings } from './otlp-settings.js';
import { findProxy } from './transport/proxy.js';
import { type Answer, readPartialSuccess, type Transport } from './transport/transport.js';

const SERVICES: Record<Signal, string> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
};

/** Creates the sender of a signal, and starts loading its transport and encoder. */
export function createOtlpSender<Request extends ExportRequest>(
  signal: Signal,
  target: OtlpTarget,
  settings: OtlpSettings,
  loadEncoder: () => Promise<EncodeRequest<Request>>,
): Sender<Request> {
  return new LazySender<Request>('nestjs-telemetry', async () => {
    const [transport, encode] = await Promise.all([loadTransport(signal, target, settings), loadEncoder()]);
    return {
      async send(request, timeoutMs) {
        const answer = await transport.send(encode(request), timeoutMs);
        return answer.outcome === 'sent' ? readAnswer(answer) : answer;
      },
      abort() {
        transport.close();
      },
      close() {
        transport.close();
        return Promise.resolve();
      },
    };
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

const MAX_MESSAGE_LENGTH = 300;

/** Encodes a request for its target; called for each attempt. */
export type EncodeRequest<Request> = (request: Request) => Uint8Array;

/** Reads from an answer which items were rejected. */
function readAnswer({ body, contentType }: Extract<Answer, { outcome: 'sent' }>): Delivery {
  if (body === undefined)
    return { outcome: 'sent', message: 'the answer is too large or incomplete for OTLP' };
  if (body.length === 0) return { outcome: 'sent' };
  try {
    const { rejected, message } = readPartialSuccess(body, contentType);
    const text = message.slice(0, MAX_MESSAGE_LENGTH);
    return { outcome: 'sent', rejected, ...(text !== '' && { message: text }) };
  } catch {
    const kind = contentType === '' ? 'no content type' : contentType;
    return { outcome: 'sent', message: `the answer is not one of OTLP (${kind}); is it a collector?` };
  }
}

/** Names an OTLP target in reports and warnings. */
export function otlpDestination(signal: Signal, { protocol, url }: OtlpTarget): ExporterDestination {
  return { signal, protocol, name: `OTLP ${protocol}`, endpoint: url };
}
