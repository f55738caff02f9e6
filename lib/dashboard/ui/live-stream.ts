import type { StreamItem } from '../api/api.interface.js';
import { request } from './client.js';

/** Whether the stream delivers. */
export type StreamState = 'connecting' | 'live' | 'lost';

/** What a list takes from the stream: one parameter of `GET stream` each. */
export type StreamKind = 'traces' | 'logs';

export interface StreamHandlers {
  readonly onItem: (item: StreamItem) => void;
  readonly onState: (state: StreamState) => void;
}

/** What tabs send each other. */
type Message =
  | { readonly items: readonly StreamItem[] }
  | { readonly state: StreamState }
  | { readonly wants: readonly StreamKind[] };

const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
/** Tabs of the same page, wherever it is mounted. */
const NAME = `telemetry-stream ${location.pathname}`;

interface Subscriber extends StreamHandlers {
  readonly kind: StreamKind;
}

const subscribers = new Set<Subscriber>();
let leave: (() => void) | undefined;

/**
 * Follows the stream while the tab is visible; returns the way to stop. All tabs share one connection, because a browser opens only
 * six to an origin: the tab that has the lock reads it and sends what comes to the others. Where the browser has no locks (a page
 * without TLS that is not on localhost), the state never becomes `live`.
 */
export function followStream(kind: StreamKind, handlers: StreamHandlers): () => void {
  const subscriber = { kind, ...handlers };
  subscribers.add(subscriber);
  update();
  return () => {
    subscribers.delete(subscriber);
    update();
  };
}

document.addEventListener('visibilitychange', update);

function update(): void {
  const wants = subscribers.size > 0 && !document.hidden;
  if (wants) leave ??= join();
  else if (leave) {
    leave();
    leave = undefined;
    deliver({ state: 'lost' });
  }
}

function deliver(message: Message): void {
  for (const { onItem, onState } of subscribers)
    if ('items' in message) message.items.forEach(onItem);
    else if ('state' in message) onState(message.state);
}

const ownWants = (): readonly StreamKind[] => [...new Set([...subscribers].map(({ kind }) => kind))];

/** Takes part in the shared stream; returns the way to leave it. */
function join(): (() => void) | undefined {
  const { locks } = navigator as { readonly locks?: LockManager }; // only where the page is a secure context
  if (locks === undefined) return undefined;
  const left = new AbortController();
  const channel = new BroadcastChannel(NAME);
  const stream = new SharedStream((message) => {
    if (left.signal.aborted) return;
    channel.postMessage(message);
    deliver(message);
  });
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if ('wants' in data) stream.want(data.wants);
    else deliver(data);
    // A new leader does not know what the other tabs want.
    if ('state' in data && data.state === 'connecting') channel.postMessage({ wants: ownWants() });
  };
  stream.want(ownWants());
  channel.postMessage({ wants: ownWants() });
  locks
    .request(NAME, { signal: left.signal }, () => stream.lead(left.signal))
    // Left before it had the lock.
    .catch(() => undefined);
  return () => {
    left.abort();
    channel.close();
  };
}

/** The connection to the application, of which there is one for all tabs. */
class SharedStream {
  private readonly wanted = new Set<StreamKind>();
  /** Undefined in all tabs but the one that reads. */
  private connection: AbortController | undefined;
  private state: StreamState = 'lost';

  constructor(private readonly publish: (message: Message) => void) {}

  /** Adds to what is asked for. */
  want(kinds: readonly StreamKind[]): void {
    const before = this.wanted.size;
    for (const kind of kinds) this.wanted.add(kind);
    if (this.wanted.size > before) this.connection?.abort();
    // Another tab has come, and does not know that the stream is there.
    else if (this.state === 'live') this.publish({ state: 'live' });
  }

  /** Reads the stream, and again after it was lost, until the signal aborts. */
  async lead(left: AbortSignal): Promise<void> {
    let retry = RETRY_MS;
    left.addEventListener('abort', () => {
      this.connection?.abort();
    });
    while (!left.aborted) {
      this.connection = new AbortController();
      const { signal } = this.connection;
      this.report('connecting');
      try {
        const query = Object.fromEntries([...this.wanted].map((kind) => [kind, '1']));
        const { body } = await request('stream', query, { signal });
        this.report('live');
        retry = RETRY_MS;
        if (body)
          await readItems(body, (items) => {
            this.publish({ items });
          });
      } catch {
        // A restart of the application ends the stream; the state says so, and it is tried again below.
      }
      this.report('lost');
      if (signal.aborted) continue;
      await new Promise((resolve) => {
        setTimeout(resolve, retry);
        left.addEventListener('abort', resolve, { once: true });
      });
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    }
  }

  private report(state: StreamState): void {
    this.state = state;
    this.publish({ state });
  }
}

async function readItems(
  body: ReadableStream<Uint8Array>,
  take: (items: readonly StreamItem[]) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    take(lines.filter((line) => line !== '').map((line) => JSON.parse(line) as StreamItem));
  }
}
