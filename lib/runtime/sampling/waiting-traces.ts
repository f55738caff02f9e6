import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../../errors/warnings.js';
import { WARNING_INTERVAL_MS } from '../../exporters/delivery-log.js';
import { type LocalTrace } from './local-trace.js';

/** Bounds of what waits for a decision. */
export interface WaitingLimits {
  readonly maxTraces: number;
  readonly maxSpans: number;
  /** Milliseconds. */
  readonly decisionTimeoutMs: number;
}

/** Called with what a trace had to give up; the trace is `released` by then and goes on without waiting. */
export type OnRelease = (spans: readonly ReadableSpan[]) => void;

/**
 * The traces whose spans are held back, oldest first, within bounds of number and time. What matters leaves as soon as it
 * is known to; so whatever is in here is harmless so far, and the oldest, which has waited in vain the longest, goes first.
 */
export class WaitingTraces {
  private readonly waiting = new Set<LocalTrace>();
  private timer: NodeJS.Timeout | undefined;
  private spanCount = 0;
  private evictedTraceCount = 0;
  private evictedSpanCount = 0;
  private timedOutCount = 0;

  constructor(
    private readonly limits: WaitingLimits,
    private readonly onTimeout: (trace: LocalTrace) => void,
    private readonly onRelease: OnRelease,
  ) {}

  counts() {
    return {
      waitingTraces: this.waiting.size,
      waitingSpans: this.spanCount,
      evictedTraces: this.evictedTraceCount,
      evictedSpans: this.evictedSpanCount,
      timedOutTraces: this.timedOutCount,
    };
  }

  [Symbol.iterator](): Iterator<LocalTrace> {
    return this.waiting[Symbol.iterator]();
  }

  add(trace: LocalTrace): void {
    this.waiting.add(trace);
    if (this.waiting.size > this.limits.maxTraces) this.evictOldest();
    this.timer ??= this.wakeIn(this.limits.decisionTimeoutMs);
  }

  /** Holds an ended span of a waiting trace back. */
  hold(trace: LocalTrace, span: ReadableSpan): void {
    trace.spans.push(span);
    this.spanCount += 1;
    while (this.spanCount > this.limits.maxSpans) this.evictOldest();
  }

  /** Forgets a trace and hands out what it held. */
  take(trace: LocalTrace): readonly ReadableSpan[] {
    const { spans } = trace;
    if (!this.waiting.delete(trace)) return [];
    trace.spans = [];
    this.spanCount -= spans.length;
    return spans;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private evictOldest(): void {
    const [oldest] = this.waiting;
    if (oldest === undefined) return;
    this.evictedTraceCount += 1;
    this.evictedSpanCount += this.release(oldest);
    warnOnce(
      'sampling:evicted',
      `More traces wait for the decision whether they are kept than there is room for: ${this.evictedTraceCount} so far, ` +
        `the oldest, lost what had waited, ${this.evictedSpanCount} spans. What fails or is slow is still kept, without ` +
        'what went before it. Raise sampling.keep.maxTraces or maxSpans, or give long traces a rule with keep: false.',
      WARNING_INTERVAL_MS,
    );
  }

  private release(trace: LocalTrace): number {
    const spans = this.take(trace);
    trace.state = 'released';
    this.onRelease(spans);
    return spans.length;
  }

  /** Traces are in the order they started in, so the timer need only look at those in front. */
  private expire(): void {
    const { decisionTimeoutMs } = this.limits;
    const now = performance.now();
    this.timer = undefined;
    for (const trace of this.waiting) {
      const left = trace.startedAt + decisionTimeoutMs - now;
      if (left > 0) {
        this.timer = this.wakeIn(left);
        return;
      }
      this.onTimeout(trace);
      if (trace.isDecided) continue;
      this.timedOutCount += 1;
      this.release(trace);
    }
  }

  private wakeIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.expire();
    }, Math.ceil(milliseconds)).unref();
  }
}
