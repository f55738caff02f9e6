import {
  type Context,
  type HrTime,
  type SpanContext,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';

import { Threshold, thresholdIn, withThreshold } from '../../engine/sampling-threshold.js';
import { isSampled } from '../../engine/span-view.js';
import { millisToHrTime } from '../../engine/time-input.js';
import { warnOnce } from '../../errors/warnings.js';
import {
  joinLocalTrace,
  type KeepPolicy,
  type KeptTraceIds,
  LocalTrace,
  localTraceOf,
  type WaitingLimits,
  WaitingTraces,
} from './local-traces.js';

/** A span failed, the local root was slow, or this process kept another part of the trace. */
type KeepReason = 'keptForErrors' | 'keptForDuration' | 'keptWithTrace';

/** Counts of the local traces that the sampler had not chosen, since the start of the SDK. */
export interface SamplingCounts {
  readonly keptForErrors: number;
  readonly keptForDuration: number;
  readonly keptWithTrace: number;
  readonly dropped: number;
  /** Undecided now, those that the sampler chose among them. */
  readonly waitingTraces: number;
  /** Ended spans that are held back now. */
  readonly waitingSpans: number;
  /** Traces, and their spans, that had to make room. */
  readonly evictedTraces: number;
  readonly evictedSpans: number;
  /** Traces whose root had not ended in time. */
  readonly timedOutTraces: number;
}

interface TailSamplingOptions {
  /** They get each span once, when its trace is decided: sampled if it is kept, else not. */
  readonly processors: readonly SpanProcessor[];
  readonly limits: WaitingLimits;
  readonly keptTraceIds: KeptTraceIds;
  /** undefined where a rule keeps nothing beyond what the sampler chooses. */
  policyFor(root: ReadableSpan): KeepPolicy | undefined;
}

/**
 * Tail sampling, before all other processors: holds back spans that are recorded but not sampled,
 * until one of their trace fails or its local root is slow.
 *
 * Spans that the sampler chose are held back too where it chose only a part of all traces. All traces that fail are
 * sent, whatever the sampler chose: each of their spans stands for itself alone, and that is known when they
 * have failed. The others stand for those that were dropped.
 */
export class TailSamplingProcessor implements SpanProcessor {
  private readonly waiting: WaitingTraces;
  private readonly counted = { keptForErrors: 0, keptForDuration: 0, keptWithTrace: 0, dropped: 0 };
  private stopped = false;

  constructor(private readonly options: TailSamplingOptions) {
    this.waiting = new WaitingTraces(
      options.limits,
      (local) => this.keepIfSlow(local, now()),
      (spans) => {
        for (const span of spans) this.deliver(span);
      },
    );
  }

  counts(): SamplingCounts {
    return { ...this.counted, ...this.waiting.counts() };
  }

  onStart(span: Span, parentContext: Context): void {
    this.follow(span, parentContext);
    for (const processor of this.options.processors) processor.onStart(span, parentContext);
  }

  onEnding(span: Span): void {
    for (const processor of this.options.processors) processor.onEnding?.(span);
  }

  onEnd(span: ReadableSpan): void {
    const spanContext = span.spanContext();
    const local = localTraceOf(spanContext);
    if (local !== undefined && !local.isDecided) this.consider(span, local);
    if (local?.state === 'waiting' && (local.chosen || !isSampled(span))) this.waiting.hold(local, span);
    else this.deliver(local?.state === 'kept' ? keptSpan(span) : span);
  }

  async forceFlush(): Promise<void> {
    // All others go on waiting: a flush must not lose what fails a moment later.
    const at = now();
    for (const local of [...this.waiting])
      if (!this.keepIfSlow(local, at) && local.chosen) this.waiting.release(local);
    await Promise.all(this.options.processors.map((processor) => processor.forceFlush()));
  }

  async shutdown(): Promise<void> {
    this.stopped = true;
    const at = now();
    for (const local of this.waiting) if (!this.keepIfSlow(local, at)) this.drop(local);
    this.waiting.stop();
    await Promise.all(this.options.processors.map((processor) => processor.shutdown()));
  }

  /** Puts a span into the local trace of its parent, or begins one with it. */
  private follow(span: Span, parentContext: Context): void {
    const spanContext = span.spanContext();
    const parent = trace.getSpanContext(parentContext);
    const inherited = parent === undefined ? undefined : localTraceOf(parent);
    if (inherited !== undefined) {
      joinLocalTrace(spanContext, inherited);
      return;
    }
    const chosen = isSampled(span);
    if (this.stopped || (chosen && !standsForOthers(spanContext))) return;
    const policy = this.options.policyFor(span);
    if (policy === undefined) return;
    const local = new LocalTrace(spanContext.traceId, chosen, span, policy);
    joinLocalTrace(spanContext, local);
    this.waiting.add(local);
  }

  /** Decides about a trace as soon as the end of one of its spans allows it. */
  private consider(span: ReadableSpan, local: LocalTrace): void {
    const failed = local.policy.errors && span.status.code === SpanStatusCode.ERROR;
    const isRoot = local.root === span;
    if (failed) this.keep(local, 'keptForErrors');
    // A trace whose root is still open after the limit will be slow whatever happens.
    else if (local.isSlowAt(span.endTime)) this.keep(local, 'keptForDuration');
    else if (isRoot && this.options.keptTraceIds.has(local.traceId)) this.keep(local, 'keptWithTrace');
    else if (isRoot) this.drop(local);
  }

  private keepIfSlow(local: LocalTrace, at: HrTime): boolean {
    const slow = local.isSlowAt(at);
    if (slow) this.keep(local, 'keptForDuration');
    return slow;
  }

  private keep(local: LocalTrace, reason: KeepReason): void {
    if (!local.chosen) this.counted[reason] += 1;
    this.options.keptTraceIds.add(local.traceId);
    for (const span of this.decide(local, 'kept')) this.deliver(keptSpan(span));
  }

  private drop(local: LocalTrace): void {
    if (!local.chosen) this.counted.dropped += 1;
    for (const span of this.decide(local, 'dropped')) this.deliver(span);
  }

  /** Returns the spans that the trace held back. */
  private decide(local: LocalTrace, state: 'kept' | 'dropped'): readonly ReadableSpan[] {
    const spans = this.waiting.take(local);
    local.state = state;
    local.root = undefined;
    return spans;
  }

  /** Delivers an ended span; exporters ignore unsampled ones. */
  private deliver(span: ReadableSpan): void {
    for (const processor of this.options.processors) {
      try {
        processor.onEnd(span);
      } catch (error) {
        // The caller that ends a span has nothing to do with the spans that waited.
        warnOnce('sampling:processor', `A span processor threw in onEnd: ${String(error)}`);
      }
    }
  }
}

function now(): HrTime {
  return millisToHrTime(Date.now());
}

/** Whether the sampler chose a part of all traces, and this one with it. */
function standsForOthers({ traceState }: SpanContext): boolean {
  return (thresholdIn(traceState) ?? Threshold.ALL).text !== Threshold.ALL.text;
}

/**
 * An ended span of a trace that is kept: sampled, as each such trace is, while its own context stays as it was propagated.
 */
function keptSpan(span: ReadableSpan): ReadableSpan {
  const spanContext = span.spanContext();
  const traceState = withThreshold(spanContext.traceState, Threshold.ALL);
  if (isSampled(span) && traceState === spanContext.traceState) return span;
  const sampled = { ...spanContext, traceState, traceFlags: spanContext.traceFlags | TraceFlags.SAMPLED };
  const { parentSpanContext } = span;
  return {
    ...(parentSpanContext !== undefined && { parentSpanContext }),
    spanContext: () => sampled,
    name: span.name,
    kind: span.kind,
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    status: span.status,
    attributes: span.attributes,
    links: span.links,
    events: span.events,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}
