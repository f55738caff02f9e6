import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../../errors/warnings.js';
import { WARNING_INTERVAL_MS } from '../../exporters/delivery-log.js';

/**
 * `waiting`: ended spans are held back. `released`: they no longer are, for want of room or time,
 * but spans that fail or are slow from now on are kept. `kept` and `dropped`: decided. Spans of a
 * trace that the sampler chose are sent in each of these states.
 */
type LocalTraceState = 'waiting' | 'released' | 'kept' | 'dropped';

/** When a local trace is kept. */
export interface KeepPolicy {
  readonly errors: boolean;
  readonly slowerThanMs: number;
}

/**
 * The spans of a trace below one without a parent in this process, and the decision about them.
 * Each span refers to it, so that one that ends or starts much later finds the decision.
 */
export class LocalTrace {
  state: LocalTraceState = 'waiting';
  /** Ended and held back, in the order they ended. */
  spans: ReadableSpan[] = [];
  readonly startTime: HrTime;
  readonly startedAt = performance.now();

  constructor(
    readonly traceId: string,
    /** Whether it is sent in any case; it waits for what its spans stand for. */
    readonly chosen: boolean,
    /** Compared only; removed with the decision, so that late spans do not keep its content. */
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
 * The mark is on the context of the span: a wrapper of a span (`startSpan()`, or a user's) has the
 * same context. A WeakMap would cost more than all the rest of recording a span.
 */
type MarkedContext = SpanContext & { [LOCAL_TRACE]?: LocalTrace };

/** The local trace of a span; undefined for spans that the sampler refused, or chose with nothing left to find out. */
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

/**
 * The traces whose spans are held back, within bounds of number and time. A trace that matters
 * leaves as soon as that is known: all others are harmless so far, and the oldest goes first.
 */
export class WaitingTraces {
  private readonly waiting = new Set<LocalTrace>();
  private timer: NodeJS.Timeout | undefined;
  private spanCount = 0;
  private readonly given = { evictedTraces: 0, evictedSpans: 0, timedOutTraces: 0 };

  constructor(
    private readonly limits: WaitingLimits,
    /** May decide. */
    private readonly onTimeout: (trace: LocalTrace) => void,
    /** Gets the spans of a trace that is `released`. */
    private readonly onRelease: (spans: readonly ReadableSpan[]) => void,
  ) {}

  counts() {
    return { waitingTraces: this.waiting.size, waitingSpans: this.spanCount, ...this.given };
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
    const released = this.release(oldest);
    if (oldest.chosen) return;
    this.given.evictedTraces += 1;
    this.given.evictedSpans += released;
    warnOnce(
      'sampling:evicted',
      `More traces wait for the decision whether they are kept than there is room for: ${this.given.evictedTraces} so far, ` +
        `the oldest, lost what had waited, ${this.given.evictedSpans} spans. What fails or is slow is still kept, without ` +
        'what went before it. Raise sampling.keep.maxTraces or maxSpans, or give long traces a rule with keep: false.',
      WARNING_INTERVAL_MS,
    );
  }

  /** Stops holding back what a trace has; returns the number of its spans. */
  release(trace: LocalTrace): number {
    const spans = this.take(trace);
    trace.state = 'released';
    this.onRelease(spans);
    return spans.length;
  }

  /** Traces are in the order of their start, so that those in front are enough. */
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
      if (!trace.chosen) this.given.timedOutTraces += 1;
      this.release(trace);
    }
  }

  private wakeIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.expire();
    }, Math.ceil(milliseconds)).unref();
  }
}

/** Ids of traces that were kept lately: their later parts in this process are kept, too. */
export class KeptTraceIds {
  private readonly ids = new Set<string>();

  constructor(private readonly capacity: number) {}

  has(traceId: string): boolean {
    return this.ids.has(traceId);
  }

  add(traceId: string): void {
    // Moves to the end: the oldest is in front.
    this.ids.delete(traceId);
    this.ids.add(traceId);
    if (this.ids.size <= this.capacity) return;
    const [oldest] = this.ids;
    if (oldest !== undefined) this.ids.delete(oldest);
  }
}
