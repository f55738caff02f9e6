import { type HrTime, type SpanContext } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

/**
 * `waiting`: ended spans are held back. `released`: they no longer are, for want of room or time, but what fails or turns
 * out slow from now on is still kept. `kept` and `dropped`: decided.
 */
export type LocalTraceState = 'waiting' | 'released' | 'kept' | 'dropped';

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
