import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { suppressTracing } from '../../engine/suppressed-tracing.js';
import { toError } from '../export-failure.js';
import { type ExporterDestination, ExporterHealth } from '../exporter-report.js';
import { type Delivery, type ExportRequest, retryDelayMs, type Sender, shutdownError } from './sender.js';

type Limits = Omit<ExportQueueOptions<never>, 'sender' | 'health'>;

/** Creates the queue of a destination, and its health, which `exporterReports()` lists. */
export function createExportQueue<Request extends ExportRequest>(
  destination: ExporterDestination,
  sender: Sender<Request>,
  limits: Limits,
): { readonly queue: ExportQueue<Request>; readonly health: ExporterHealth } {
  const health = new ExporterHealth({ ...destination, endpoint: withoutCredentials(destination.endpoint) });
  return { queue: new ExportQueue({ ...limits, sender, health }), health };
}

function withoutCredentials(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.username === '' && url.password === '') return endpoint;
  url.username = '';
  url.password = '';
  return url.href;
}

/** How long a flush or a shutdown waits for a destination, from its first failure. */
const PATIENCE_MS = 5_000;

const SUPPRESSED = suppressTracing(ROOT_CONTEXT);

interface ExportQueueOptions<Request extends ExportRequest> {
  readonly sender: Sender<Request>;
  readonly health: ExporterHealth;
  /** Items that may wait. */
  readonly maxItems: number;
  /** Bytes that may wait, including the request that is being sent. */
  readonly maxBytes: number;
  /** Longest time for one attempt, in milliseconds. */
  readonly attemptTimeoutMs: number;
  /** How long a request is retried at least when the queue is full, in milliseconds. */
  readonly minRetryMs: number;
}

/** A flush that waits for requests up to a number. */
interface Waiter {
  readonly upTo: number;
  /** Time from which the next failed attempt ends the wait. */
  readonly until: number;
  failure: Error | undefined;
  readonly settle: (failure: Error | undefined) => void;
}

/**
 * Requests that wait for one destination and are sent one after the other. A request whose failure
 * may pass is sent again, with the same bytes, while the queue has room. It is dropped only when
 * the queue is full and `minRetryMs` have passed.
 */
export class ExportQueue<Request extends ExportRequest> {
  private readonly waiting: { readonly request: Request; readonly onFirstAttempt?: Attempted | undefined }[] =
    [];
  private readonly waiters = new Set<Waiter>();
  /** The request that is being sent. */
  private current: Request | undefined;
  private waitingItems = 0;
  private heldBytes = 0;
  private pushed = 0;
  private settled = 0;
  private running: Promise<void> | undefined;
  private stopping = false;
  private aborted = false;
  private wake: (() => void) | undefined;

  constructor(private readonly options: ExportQueueOptions<Request>) {
    options.health.queue = { size: () => this.waitingItems, capacity: options.maxItems };
    aborts.add(this.abortPending);
  }

  /** The limit that is reached together with `items` and `bytes`; undefined when there is room. */
  fullBecauseOf(items: number, bytes: number): 'items' | 'bytes' | undefined {
    if (this.waitingItems + items >= this.options.maxItems) return 'items';
    return this.heldBytes + bytes >= this.options.maxBytes ? 'bytes' : undefined;
  }

  /** Adds a request; `onFirstAttempt` gets the result of its first attempt. */
  push(request: Request, onFirstAttempt?: Attempted): void {
    this.waiting.push({ request, onFirstAttempt });
    this.waitingItems += request.count;
    this.heldBytes += request.bytes;
    this.pushed += 1;
    // Outside any context: sending may take minutes, and must not keep the context of the caller
    // alive.
    this.running ??= context.with(SUPPRESSED, () => this.sendAll());
  }

  /**
   * Waits until everything pushed so far is sent or lost. A destination that has failed for 5 s
   * gets one more attempt; its requests stay in the queue.
   *
   * @throws the last failure
   */
  async flush(): Promise<void> {
    if (this.settled >= this.pushed) return;
    const failingSince = this.options.health.failing?.since ?? performance.now();
    const failure = await new Promise<Error | undefined>((resolve) => {
      this.waiters.add({
        upTo: this.pushed,
        until: failingSince + PATIENCE_MS,
        failure: undefined,
        settle: resolve,
      });
      this.wake?.();
    });
    if (failure !== undefined) throw failure;
  }

  /** Removes and returns the waiting requests, and returns the current one, for the spool. */
  takeUnsent(): Request[] {
    const unsent = this.waiting.splice(0).map(({ request }) => request);
    for (const { count, bytes } of unsent) {
      this.waitingItems -= count;
      this.heldBytes -= bytes;
      this.settled += 1;
    }
    return this.current === undefined ? unsent : [this.current, ...unsent];
  }

  /** Sends what waits, counts failures as lost, and closes the sender. Never rejects. */
  async shutdown(): Promise<void> {
    this.stopping = true;
    // Failures are counted and reported below.
    await this.flush().catch(() => undefined);
    this.abortPending();
    await this.running;
    await this.options.sender.close();
    this.options.health.close();
  }

  /** Counts all waiting requests as lost, and aborts the current attempt. */
  private readonly abortPending = (): void => {
    this.stopping = true;
    this.aborted = true;
    const error = this.causeOfLoss();
    for (const { request, onFirstAttempt } of this.waiting.splice(0)) {
      this.waitingItems -= request.count;
      onFirstAttempt?.(error);
      this.finish(request, { outcome: 'failed', error });
    }
    this.options.sender.abort();
    this.wake?.();
  };

  private async sendAll(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      this.waitingItems -= next.request.count;
      this.current = next.request;
      await this.deliver(next.request, next.onFirstAttempt);
      this.current = undefined;
    }
    this.running = undefined;
  }

  private async deliver(request: Request, onFirstAttempt: Attempted | undefined): Promise<void> {
    const { health } = this.options;
    const began = performance.now();
    health.begin(request.count);
    for (let attempts = 1; ; attempts += 1) {
      const delivery = await this.attempt(request);
      if (attempts === 1) onFirstAttempt?.(delivery.outcome === 'sent' ? undefined : delivery.error);
      if (delivery.outcome !== 'retry') {
        this.finish(request, delivery);
        break;
      }
      if (this.aborted) {
        this.finish(request, { outcome: 'failed', error: this.causeOfLoss() });
        break;
      }
      health.delay(delivery.error);
      this.endImpatientFlushes(delivery.error);
      if (this.stopsRetrying(began)) {
        this.finish(request, { outcome: 'failed', error: delivery.error });
        break;
      }
      await this.pause(retryDelayMs(attempts, delivery.afterMs));
    }
    health.end(request.count);
  }

  private async attempt(request: Request): Promise<Delivery> {
    const { sender, health, attemptTimeoutMs } = this.options;
    const began = performance.now();
    let delivery: Delivery;
    try {
      delivery = await context.with(SUPPRESSED, () => sender.send(request, attemptTimeoutMs));
    } catch (error) {
      delivery = { outcome: 'failed', error: toError(error) };
    }
    health.measure((performance.now() - began) / 1_000, delivery);
    return delivery;
  }

  private stopsRetrying(began: number): boolean {
    // A shutdown retries as long as its flush waits.
    if (this.stopping) return this.waiters.size === 0;
    return this.fullBecauseOf(0, 0) !== undefined && performance.now() - began >= this.options.minRetryMs;
  }

  /** Why the remaining requests are lost at a shutdown. */
  private causeOfLoss(): Error {
    return this.options.health.failing?.error ?? shutdownError();
  }

  private finish({ count, bytes }: Request, delivery: Exclude<Delivery, { outcome: 'retry' }>): void {
    this.heldBytes -= bytes;
    this.settled += 1;
    this.options.health.settle(count, delivery);
    for (const waiter of this.waiters) {
      if (delivery.outcome === 'failed') waiter.failure = delivery.error;
      if (waiter.upTo <= this.settled) this.endFlush(waiter, waiter.failure);
    }
  }

  private endImpatientFlushes(error: Error): void {
    const now = performance.now();
    for (const waiter of this.waiters) if (now >= waiter.until) this.endFlush(waiter, error);
  }

  private endFlush(waiter: Waiter, failure: Error | undefined): void {
    this.waiters.delete(waiter);
    waiter.settle(failure);
  }

  /** Waits before the next attempt; a flush or a shutdown ends the wait. */
  private pause(ms: number): Promise<void> {
    if (this.stopping && this.waiters.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      // Without a flush, nothing here keeps the process alive.
      if (this.waiters.size === 0) timer.unref();
      this.wake = done;
    });
  }
}

/** Gets the error of the first attempt, or undefined when it succeeded. */
type Attempted = (failure: Error | undefined) => void;

const aborts = new Set<() => void>();

/**
 * Aborts the exports and retries of this process that are still pending: after the shutdown, their
 * sockets and timers would keep the process alive for seconds.
 */
export function abortPendingExports(): void {
  for (const abort of aborts) abort();
  aborts.clear();
}
