import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../../errors/warnings.js';
import { WARNING_INTERVAL_MS } from '../../exporters/delivery-log.js';

/**
 * `waiting`: ended spans are held back. `released`: they no longer are, for want of room or time, but what fails or turns
 * out slow from now on is still kept. `kept` and `dropped`: decided.
 */
type LocalTraceState = 'waiting' | 'released' | 'kept' | 'dropped';

/** When a local trace is kept. */
export interface KeepPolicy {
  readonly errors: boolean;
  readonly slowerThanMs: number;
}

/**
 * The spans of one trace that this process makes below one span without a parent in this process, and what becomes of
 * them. It hangs on each of these spans, so that one that ends or starts long after the others finds the decision, and
 * nothing has to remember it.
 */
export class LocalTrace {
  state: LocalTraceState = 'waiting';
  /** Ended and held back, in the order they ended. */
  spans: ReadableSpan[] = [];
  readonly startTime: HrTime;
  readonly startedAt = performance.now();

  constructor(
    readonly traceId: string,
    /** Compared only; gone with the decision, so that late spans do not hold what the root recorded. */
    public root: ReadableSpan | undefined,
    readonly policy: KeepPolicy,
  ) {
    this.startTime = root?.startTime ?? [0, 0];
  }

  get isDecided(): boolean {
    return this.state === 'kept' || this.state === 'dropped';
  }

  /** Whether the local root, which was still open at `endTime` or ended then, is slow. */
  isSlowAt(endTime: HrTime): boolean {
    const { slowerThanMs } = this.policy;
    if (slowerThanMs === Infinity) return false;
    const [seconds, nanoseconds] = this.startTime;
    return (endTime[0] - seconds) * 1000 + (endTime[1] - nanoseconds) / 1e6 >= slowerThanMs;
  }
}

const LOCAL_TRACE = Symbol('nestjs-telemetry.local-trace');

/**
 * The mark is on the context and not on the span, because whatever wraps a span (`startSpan()` does, and so do users)
 * hands on the same context; and a WeakMap would cost more than all the rest of a span's record.
 */
type MarkedContext = SpanContext & { [LOCAL_TRACE]?: LocalTrace };

/** The undecided or decided trace a span belongs to; undefined for spans the sampler chose or refused at once. */
export function localTraceOf(spanContext: SpanContext): LocalTrace | undefined {
  return (spanContext as MarkedContext)[LOCAL_TRACE];
}

export function joinLocalTrace(spanContext: SpanContext, trace: LocalTrace): void {
  (spanContext as MarkedContext)[LOCAL_TRACE] = trace;
}

/** Bounds of what waits for a decision. */
export interface WaitingLimits {
  readonly maxTraces: number;
  readonly maxSpans: number;
  /** Milliseconds. */
  readonly decisionTimeoutMs: number;
}

/** Called with what a trace had to give up; the trace is `released` by then and goes on without waiting. */
type OnRelease = (spans: readonly ReadableSpan[]) => void;

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
    /** May decide. */
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

/**
 * Ids of traces that were kept lately, so many at most: what reaches this process for them later, or once more, is kept
 * with them.
 */
export class KeptTraceIds {
  private readonly ids = new Set<string>();

  constructor(private readonly capacity: number) {}

  has(traceId: string): boolean {
    return this.ids.has(traceId);
  }

  add(traceId: string): void {
    // Moves to the end: the front is what was not heard of the longest.
    this.ids.delete(traceId);
    this.ids.add(traceId);
    if (this.ids.size <= this.capacity) return;
    const [oldest] = this.ids;
    if (oldest !== undefined) this.ids.delete(oldest);
  }
}
