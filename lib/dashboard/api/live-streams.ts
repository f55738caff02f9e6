import { warnOnce } from '../../errors/warnings.js';
import { type DashboardContext } from '../dashboard-context.interface.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type HttpResponse } from '../http/http-exchange.interface.js';
import { SECURITY_HEADERS } from '../http/respond.js';
import { markRunning } from '../panels/traces/running.js';
import { type LiveFeed } from '../reader/telemetry-reader.interface.js';
import { type StreamItem } from './api.interface.js';
import { type QueryParameters } from './question.js';

const MAX_CLIENTS = 20;
/** Time between two questions for news, in milliseconds; one answer serves all visitors. */
const POLL_MS = 500;
const BEAT_MS = 10_000;

/** A page that follows the stream. */
interface Listener {
  readonly response: HttpResponse;
  readonly traces: boolean;
  readonly logs: boolean;
  /** Its buffer is full: news is left out until it drains; the page can ask for it. */
  isFull: boolean;
}

/** Sends new traces and log lines to the pages that follow them, as lines of JSON. Asks the database only while there are such pages. */
export class LiveStreams {
  private readonly listeners = new Set<Listener>();
  private poll: NodeJS.Timeout | undefined;
  private position: string | undefined;
  private asking = false;
  private beatAt = 0;
  private closed = false;

  constructor(
    private readonly feed: LiveFeed | undefined,
    private readonly running: DashboardContext['running'],
  ) {}

  /** @throws DashboardError 503 when there are too many streams or the application is stopping, 404 where the database has no news */
  async open(query: QueryParameters, response: HttpResponse): Promise<void> {
    const wanted = { traces: query.flag('traces'), logs: query.flag('logs') };
    const { feed } = this;
    if (feed === undefined)
      throw new DashboardError(404, 'The database behind this page has no live feed. Ask again instead.');
    // Before the first byte: the stream has everything that is stored after it.
    const position = this.poll === undefined ? (await feed.news(undefined)).position : undefined;
    if (response.destroyed === true) return;
    if (this.closed) throw new DashboardError(503, 'The application is stopping.');
    if (this.listeners.size >= MAX_CLIENTS)
      throw new DashboardError(503, `${MAX_CLIENTS} pages follow the stream already. Close one of them.`);
    if (this.poll === undefined) this.position = position;
    const all = !wanted.traces && !wanted.logs;
    const listener = { response, traces: wanted.traces || all, logs: wanted.logs || all, isFull: false };
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would buffer the answer to its end.
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
    this.start(feed);
  }

  /** Ends every stream, and opens no more. */
  close(): void {
    this.closed = true;
    for (const listener of this.listeners) {
      listener.response.end();
      this.leave(listener);
    }
  }

  private start(feed: LiveFeed): void {
    if (this.poll !== undefined) return;
    this.beatAt = performance.now() + BEAT_MS;
    this.poll = setInterval(() => {
      void this.sendNews(feed);
    }, POLL_MS).unref();
  }

  private leave(listener: Listener): void {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return;
    clearInterval(this.poll);
    this.poll = undefined;
  }

  /** Never rejects. */
  private async sendNews(feed: LiveFeed): Promise<void> {
    // A slow database is asked once, not once for each interval.
    if (this.asking) return;
    this.asking = true;
    try {
      const { traces, logs, position } = await feed.news(this.position);
      this.position = position;
      const traceLines = markRunning(traces, this.running)
        .map((trace) => lineOf({ type: 'trace', trace }))
        .join('');
      const logLines = logs.map((log) => lineOf({ type: 'log', log })).join('');
      const isBeat = performance.now() >= this.beatAt;
      if (isBeat) this.beatAt = performance.now() + BEAT_MS;
      for (const listener of this.listeners)
        this.send(
          listener,
          (listener.traces ? traceLines : '') + (listener.logs ? logLines : '') + (isBeat ? beat() : ''),
        );
    } catch (error) {
      warnOnce(
        'dashboard:stream',
        `The live streams of the dashboard have stopped: ${String(error)}`,
        60_000,
      );
    } finally {
      this.asking = false;
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
