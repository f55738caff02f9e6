import { type Position, readNews, readPosition } from '../sqlite/queries/follow.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type HttpResponse } from '../http/http-exchange.interface.js';
import { SECURITY_HEADERS } from '../http/send.js';
import { warnOnce } from '../../errors/warnings.js';
import { type StreamItem } from './api.interface.js';
import { type QueryParameters } from './query-parameters.js';

const MAX_CLIENTS = 20;
/** The store is asked so often, once for all who listen. */
const POLL_MS = 500;
const BEAT_MS = 10_000;

/** Somebody who listens. */
interface Listener {
  readonly response: HttpResponse;
  readonly traces: boolean;
  readonly logs: boolean;
  /** It has not taken what it was sent: what ends meanwhile is left out, it can be asked for. */
  isFull: boolean;
}

/**
 * Tells whoever listens what ends, in any process that writes to the store, as lines of JSON. Costs nothing while nobody listens.
 */
export class LiveStreams {
  private readonly listeners = new Set<Listener>();
  private poll: NodeJS.Timeout | undefined;
  private position: Position | undefined;
  private beatAt = 0;
  private closed = false;

  constructor(private readonly store: TelemetryStore) {}

  /** @throws DashboardError 503 when too many listen already, or the application is about to end */
  open(query: QueryParameters, response: HttpResponse): void {
    const asked = { traces: query.flag('traces'), logs: query.flag('logs') };
    if (this.closed) throw new DashboardError(503, 'The application is about to end.');
    if (this.listeners.size >= MAX_CLIENTS)
      throw new DashboardError(503, `${MAX_CLIENTS} pages listen already. Close one of them.`);
    const all = !asked.traces && !asked.logs;
    const listener = { response, traces: asked.traces || all, logs: asked.logs || all, isFull: false };
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would wait for the end.
      'x-accel-buffering': 'no',
    });
    const leave = (): void => {
      this.leave(listener);
    };
    response.on('close', leave).on('error', leave);
    response.on('drain', () => {
      listener.isFull = false;
    });
    this.listeners.add(listener);
    this.send(listener, beat());
    this.start();
  }

  /** Ends every stream, and begins no more. */
  close(): void {
    this.closed = true;
    for (const listener of this.listeners) {
      listener.response.end();
      this.leave(listener);
    }
  }

  private start(): void {
    if (this.poll !== undefined) return;
    this.position = this.store.read(readPosition);
    this.beatAt = performance.now() + BEAT_MS;
    this.poll = setInterval(() => {
      this.tell();
    }, POLL_MS).unref();
  }

  private leave(listener: Listener): void {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return;
    clearInterval(this.poll);
    this.poll = undefined;
  }

  private tell(): void {
    try {
      const from = this.position ?? this.store.read(readPosition);
      const { traces, logs, position } = this.store.read((database) => readNews(database, from));
      this.position = position;
      const aboutTraces = traces.map((trace) => lineOf({ type: 'trace', trace })).join('');
      const aboutLogs = logs.map((log) => lineOf({ type: 'log', log })).join('');
      const isBeat = performance.now() >= this.beatAt;
      if (isBeat) this.beatAt = performance.now() + BEAT_MS;
      for (const listener of this.listeners)
        this.send(
          listener,
          (listener.traces ? aboutTraces : '') + (listener.logs ? aboutLogs : '') + (isBeat ? beat() : ''),
        );
    } catch (error) {
      warnOnce('dashboard:stream', `Live streams of the dashboard stand still: ${String(error)}`, 60_000);
    }
  }

  private send(listener: Listener, text: string): void {
    if (text === '' || listener.isFull) return;
    listener.isFull = !listener.response.write(text);
  }
}

function beat(): string {
  return lineOf({ type: 'beat', time: Date.now() });
}

function lineOf(item: StreamItem): string {
  return `${JSON.stringify(item)}\n`;
}
