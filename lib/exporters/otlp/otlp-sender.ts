import type { OtlpTarget } from '../../config/otlp.js';
import type { ExporterDestination, Signal } from '../exporter-report.js';
import { type Delivery, type ExportRequest, LazySender, type Sender } from '../sending/sender.js';
import type { OtlpSettings } from './otlp-settings.js';
import { findProxy } from './transport/proxy.js';
import { readPartialSuccess, type Transport } from './transport/transport.js';

const SERVICES: Record<Signal, string> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
};

/**
 * Creates the sender of a signal, and starts loading its transport and encoder in the background.
 */
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

const MAX_MESSAGE_LENGTH = 300;

/** Encodes a request for its target; called for each attempt. */
export type EncodeRequest<Request> = (request: Request) => Uint8Array;

/** Sends requests by OTLP, and reads from the responses which items were rejected. */
class OtlpSender<Request extends ExportRequest> implements Sender<Request> {
  constructor(
    private readonly transport: Transport,
    private readonly encode: EncodeRequest<Request>,
  ) {}

  async send(request: Request, timeoutMs: number): Promise<Delivery> {
    const answer = await this.transport.send(this.encode(request), timeoutMs);
    if (answer.outcome !== 'sent') return answer;
    if (answer.body === undefined)
      return { outcome: 'sent', message: 'the answer is too large or incomplete for OTLP' };
    return readAnswer(answer.body, answer.contentType);
  }

  abort(): void {
    this.transport.close();
  }

  close(): Promise<void> {
    this.transport.close();
    return Promise.resolve();
  }
}

function readAnswer(body: Uint8Array, contentType: string): Delivery {
  if (body.length === 0) return { outcome: 'sent' };
  try {
    const { rejected, message } = readPartialSuccess(body, contentType);
    return {
      outcome: 'sent',
      rejected,
      ...(message !== '' && { message: message.slice(0, MAX_MESSAGE_LENGTH) }),
    };
  } catch {
    const kind = contentType === '' ? 'no content type' : contentType;
    return { outcome: 'sent', message: `the answer is not one of OTLP (${kind}); is it a collector?` };
  }
}

/** Names an OTLP target in reports and warnings. */
export function otlpDestination(signal: Signal, { protocol, url }: OtlpTarget): ExporterDestination {
  return { signal, protocol, name: `OTLP ${protocol}`, endpoint: url };
}
