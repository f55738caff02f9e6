import { onAbandonedExports } from '../abandon-exports.js';
import { type PushExporter } from '../push-exporter.interface.js';

interface TransportResponse {
  readonly status: 'success' | 'failure' | 'retryable';
  readonly error?: Error;
}

type Send = (data: Uint8Array, timeoutMillis: number) => Promise<TransportResponse>;

/** What sends the requests of an OTLP exporter. */
interface Transport {
  send: Send;
  shutdown(): void;
}

/** The one of HTTP: it tries again what the one inside of it could not send. */
interface RetryingTransport extends Transport {
  readonly _transport: Transport & { readonly _utils?: { readonly agent?: { destroy?(): void } } | null };
  retry: (data: Uint8Array, timeoutMillis: number, inMillis: number) => Promise<TransportResponse>;
}

/**
 * The exporter itself, whose requests are broken off when a shutdown is over. Nothing public of OpenTelemetry's OTLP exporters
 * does that, so this knows what they are made of: their version is pinned, and a test fails before users could notice.
 */
export function breakableExporter<Items>(exporter: PushExporter<Items>): PushExporter<Items> {
  const transport = transportOf(exporter);
  if (transport === undefined) return exporter;
  let broken = false;
  const send = transport.send.bind(transport);
  transport.send = (...request) => (broken ? Promise.resolve(givenUp()) : send(...request));
  const breakOff = isRetrying(transport)
    ? makeRetriesBreakable(transport)
    : () => {
        transport.shutdown();
      };
  onAbandonedExports(() => {
    broken = true;
    breakOff();
  });
  return exporter;
}

/** Waits for the next attempt where it can be told to stop waiting; gives what tells it to. */
function makeRetriesBreakable(transport: RetryingTransport): () => void {
  let broken = false;
  let lastError: Error | undefined;
  const waiting = new Map<NodeJS.Timeout, (response: TransportResponse) => void>();
  const inner = transport._transport;
  const send = inner.send.bind(inner);
  inner.send = async (...request) => {
    const response = await send(...request);
    lastError = broken ? undefined : response.error;
    return response;
  };
  transport.retry = (data, timeoutMillis, inMillis) =>
    new Promise((resolve, reject) => {
      if (broken) {
        resolve(givenUp(lastError));
        return;
      }
      const timer = setTimeout(() => {
        waiting.delete(timer);
        inner.send(data, timeoutMillis).then(resolve, reject);
      }, inMillis);
      waiting.set(timer, resolve);
    });
  return () => {
    broken = true;
    for (const [timer, resolve] of waiting) {
      clearTimeout(timer);
      resolve(givenUp(lastError));
    }
    waiting.clear();
    // Fails the request that is under way.
    inner._utils?.agent?.destroy?.();
  };
}

function givenUp(
  error = new Error('the collector had not taken it when the shutdown was over'),
): TransportResponse {
  return { status: 'failure', error };
}

/** Some of them are delegates themselves, the classes of the exporter packages have one. */
function transportOf(exporter: object): Transport | undefined {
  const delegate = '_delegate' in exporter ? exporter._delegate : exporter;
  if (typeof delegate !== 'object' || delegate === null || !('_transport' in delegate)) return undefined;
  return isTransport(delegate._transport) ? delegate._transport : undefined;
}

function isTransport(value: unknown): value is Transport {
  return typeof value === 'object' && value !== null && 'send' in value && 'shutdown' in value;
}

function isRetrying(transport: Transport): transport is RetryingTransport {
  return 'retry' in transport && '_transport' in transport && isTransport(transport._transport);
}
