import { warnOnce } from '../../errors/warnings.js';
import { ExporterLoadError, ExportError, toError } from '../export-failure.js';

/** A batch of spans, log records or metric data points that is ready to be sent. */
export interface ExportRequest {
  /** Number of items. */
  readonly count: number;
  /** Size in memory, in bytes; an estimate where the items are not encoded yet. */
  readonly bytes: number;
}

/** The result of one attempt to send a request. */
export type Delivery =
  /** The receiver accepted the request, except `rejected` items of it. */
  | {
      readonly outcome: 'sent';
      /** Items the receiver rejected (OTLP partial success). Default 0. */
      readonly rejected?: number;
      /** Why the receiver rejected items, or its warning. */
      readonly message?: string;
    }
  /** A retry would fail as well. */
  | {
      readonly outcome: 'failed';
      readonly error: Error;
      /** Items whose sending failed. Default: all that were not dropped. */
      readonly failed?: number;
      /** Items that were not sent because they are too large for the protocol. Default 0. */
      readonly dropped?: number;
    }
  /** A retry may succeed. */
  | {
      readonly outcome: 'retry';
      readonly error: Error;
      /** The delay the receiver asked for, in milliseconds. Default: exponential backoff. */
      readonly afterMs?: number;
    };

/** The error of a request that a shutdown leaves unsent. */
export function shutdownError(): ExportError {
  return new ExportError('it was not delivered before the shutdown ended', 'shutdown');
}

/** Sends requests of one signal to one destination. */
export interface Sender<Request extends ExportRequest> {
  /** Makes one attempt, which ends within `timeoutMs`. Never rejects. */
  send(request: Request, timeoutMs: number): Promise<Delivery>;
  /** Aborts the current attempt; its promise resolves. */
  abort(): void;
  /** Closes connections. Never rejects. */
  close(): Promise<void>;
}

/**
 * A sender that loads its package in the background, beginning when it is created, so that the
 * start does not wait. Requests are sent once it is loaded. A failed load logs one warning, fails
 * the requests and does not block the shutdown.
 */
export class LazySender<Request extends ExportRequest> implements Sender<Request> {
  private loaded: Sender<Request> | undefined;
  private loadError: ExporterLoadError | undefined;
  private aborted = false;
  private readonly arrival: Promise<Sender<Request> | undefined>;

  constructor(packageName: string, load: () => Promise<Sender<Request>>) {
    this.arrival = load().then(
      (sender) => (this.loaded = sender),
      (cause: unknown) => {
        this.loadError = reportLoadError(packageName, cause);
        return undefined;
      },
    );
  }

  async send(request: Request, timeoutMs: number): Promise<Delivery> {
    const sender = this.loaded ?? (await this.arrival);
    if (sender === undefined) return { outcome: 'failed', error: toError(this.loadError) };
    if (this.aborted) return { outcome: 'failed', error: new Error('the exporter is shut down') };
    return sender.send(request, timeoutMs);
  }

  abort(): void {
    this.aborted = true;
    this.loaded?.abort();
  }

  async close(): Promise<void> {
    await (await this.arrival)?.close();
  }
}

/** Logs one warning for a package that could not be loaded, and returns the error of its exports. */
export function reportLoadError(packageName: string, cause: unknown): ExporterLoadError {
  const error = new ExporterLoadError(packageName, cause);
  warnOnce(
    `exporter-load:${packageName}`,
    `${error.message}. Its telemetry is lost. Run \`npm install\` again; if you bundle your application, keep this package external.`,
  );
  return error;
}

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 5_000;
/** A receiver that asks for a longer delay is retried after this time. */
const MAX_REQUESTED_WAIT_MS = 60_000;

/**
 * Milliseconds to wait before the next attempt: 0.5 s, doubled after each failure up to 5 s,
 * reduced by up to half at random so that many processes do not retry together. A delay that the
 * receiver asked for replaces it, up to 60 s.
 *
 * @param failures how many attempts have failed so far, at least 1
 */
export function retryDelayMs(failures: number, requestedMs: number | undefined): number {
  if (requestedMs !== undefined) return Math.min(Math.max(requestedMs, 0), MAX_REQUESTED_WAIT_MS);
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10), MAX_WAIT_MS);
  return longest * (0.5 + Math.random() / 2);
}

/** The milliseconds of a `Retry-After` header (seconds or a date); undefined when malformed. */
export function parseRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}
