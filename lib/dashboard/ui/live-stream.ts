import type { StreamItem } from '../api/api.interface.js';
import { type Query, request } from './client.js';

/** Where a live stream stands. */
export type StreamState = 'connecting' | 'live' | 'lost';

export interface StreamHandlers {
  readonly onItem: (item: StreamItem) => void;
  readonly onState?: (state: StreamState) => void;
}

const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

async function readLines(body: ReadableStream<Uint8Array>, onItem: StreamHandlers['onItem']): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') onItem(JSON.parse(line) as StreamItem);
    }
  }
}

/** Follows what ends from now on, and comes back after the connection was lost; returns the way to stop. */
export function followStream(query: Query, { onItem, onState }: StreamHandlers): () => void {
  const stopped = new AbortController();
  let retry = RETRY_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = async (): Promise<void> => {
    onState?.('connecting');
    try {
      const { body } = await request('stream', query, { signal: stopped.signal });
      onState?.('live');
      retry = RETRY_MS;
      if (body) await readLines(body, onItem);
    } catch {
      // A restart of the application ends the stream; the state says so, and it is tried again below.
    }
    if (stopped.signal.aborted) return;
    onState?.('lost');
    timer = setTimeout(() => void connect(), retry);
    retry = Math.min(retry * 2, LONGEST_RETRY_MS);
  };
  void connect();
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
}
