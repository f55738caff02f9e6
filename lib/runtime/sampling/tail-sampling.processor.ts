import {
  type Attributes,
  type Context,
  type HrTime,
  type Link,
  type SpanContext,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../../errors/warnings.js';
import { processWide } from '../../process/process-wide.js';
import {
  joinLocalTrace,
  type KeepPolicy,
  type KeptTraceIds,
  LocalTrace,
  localTraceOf,
  type WaitingLimits,
  WaitingTraces,
} from './local-traces.js';

/** Why a local trace was kept: a span failed, its root was slow, or this process kept another part of the trace. */
type KeepReason = 'errors' | 'duration' | 'trace';

/** Counts of the local traces that the sampler had not chosen, since the start of the SDK. */
interface SamplingCounts {
  readonly keptForErrors: number;
  readonly keptForDuration: number;
  readonly keptWithTrace: number;
  readonly dropped: number;
  /** Undecided now. */
  readonly waitingTraces: number;
  /** Ended spans that are held back now. */
  readonly waitingSpans: number;
  /** Traces, and their spans, that had to make room. */
  readonly evictedTraces: number;
  readonly evictedSpans: number;
  /** Traces whose root had not ended in time. */
  readonly timedOutTraces: number;
}

interface ReportState {
  counts: (() => SamplingCounts) | undefined;
}

const state = processWide<ReportState>('sampling-report', () => ({ counts: undefined }));

/** Counts of tail sampling since the start of the SDK; undefined where `sampling.keep` is off. */
export function samplingReport(): SamplingCounts | undefined {
  return state.counts?.();
}

/** Sets the source of the counts, at each start of the SDK. */
export function setSamplingReport(counts: (() => SamplingCounts) | undefined): void {
  state.counts = counts;
}

interface TailSamplingOptions {
  /** Processors that receive each span once, when its trace is decided: sampled if it is kept, else not. */
  readonly processors: readonly SpanProcessor[];
  readonly limits: WaitingLimits;
  readonly keptTraceIds: KeptTraceIds;
  policyFor(root: ReadableSpan): KeepPolicy;
}

/**
 * Tail sampling, before all other processors: holds back spans that are recorded but not sampled, until one of their trace
 * fails or its local root is slow. Sampled spans pass through.
 */
export class TailSamplingProcessor implements SpanProcessor {
  private readonly waiting: WaitingTraces;
  private readonly counted = { keptForErrors: 0, keptForDuration: 0, keptWithTrace: 0, dropped: 0 };
  private stopped = false;

  constructor(private readonly options: TailSamplingOptions) {
    this.waiting = new WaitingTraces(
      options.limits,
      (local) => {
        this.keepIfSlow(local, now());
      },
      (spans) => {
        this.deliverAll(spans);
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
    if (local === undefined || isSampled(spanContext)) this.deliver(span);
    else if (local.state === 'kept') this.deliver(new KeptSpan(span));
    else if (local.state === 'waiting') this.waiting.hold(local, span);
    else this.deliver(span);
  }

  async forceFlush(): Promise<void> {
    // What has not shown yet whether it matters goes on waiting: a flush must not lose what fails a moment later.
    const at = now();
    for (const local of this.waiting) this.keepIfSlow(local, at);
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
    if (inherited !== undefined) joinLocalTrace(spanContext, inherited);
    else if (!isSampled(spanContext) && !this.stopped) {
      const local = new LocalTrace(spanContext.traceId, span, this.options.policyFor(span));
      joinLocalTrace(spanContext, local);
      this.waiting.add(local);
    }
  }

  /** Decides about a trace as soon as the end of one of its spans allows it. */
  private consider(span: ReadableSpan, local: LocalTrace): void {
    const failed = local.policy.errors && span.status.code === SpanStatusCode.ERROR;
    const isRoot = local.root === span;
    if (failed) this.keep(local, 'errors');
    // A trace whose root is still open after the limit will be slow whatever happens.
    else if (local.isSlowAt(span.endTime)) this.keep(local, 'duration');
    else if (isRoot && this.options.keptTraceIds.has(local.traceId)) this.keep(local, 'trace');
    else if (isRoot) this.drop(local);
  }

  private keepIfSlow(local: LocalTrace, at: HrTime): boolean {
    const slow = local.isSlowAt(at);
    if (slow) this.keep(local, 'duration');
    return slow;
  }

  private keep(local: LocalTrace, reason: KeepReason): void {
    if (reason === 'errors') this.counted.keptForErrors += 1;
    else if (reason === 'duration') this.counted.keptForDuration += 1;
    else this.counted.keptWithTrace += 1;
    this.options.keptTraceIds.add(local.traceId);
    const spans = this.waiting.take(local);
    local.state = 'kept';
    local.root = undefined;
    for (const span of spans) this.deliver(new KeptSpan(span));
  }

  private drop(local: LocalTrace): void {
    this.counted.dropped += 1;
    const spans = this.waiting.take(local);
    local.state = 'dropped';
    local.root = undefined;
    this.deliverAll(spans);
  }

  private deliverAll(spans: readonly ReadableSpan[]): void {
    for (const span of spans) this.deliver(span);
  }

  /** Delivers an ended span; exporters ignore unsampled ones. */
  private deliver(span: ReadableSpan): void {
    for (const processor of this.options.processors) {
      try {
        processor.onEnd(span);
      } catch (error) {
        // Waiting spans are delivered while another span ends, whose caller has nothing to do with them.
        warnOnce('sampling:processor', `A span processor threw in onEnd: ${String(error)}`);
      }
    }
  }
}

function now(): HrTime {
  return millisToHrTime(Date.now());
}

function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

/**
 * An ended span as processors and exporters see it once its trace is kept: sampled, which it was not when it started.
 * Its own context stays as it was, since it was propagated like that.
 */
class KeptSpan implements ReadableSpan {
  readonly parentSpanContext?: SpanContext;
  private readonly sampledContext: SpanContext;

  constructor(private readonly span: ReadableSpan) {
    const spanContext = span.spanContext();
    this.sampledContext = { ...spanContext, traceFlags: spanContext.traceFlags | TraceFlags.SAMPLED };
    if (span.parentSpanContext !== undefined) this.parentSpanContext = span.parentSpanContext;
  }

  spanContext(): SpanContext {
    return this.sampledContext;
  }

  get name(): string {
    return this.span.name;
  }

  get kind(): ReadableSpan['kind'] {
    return this.span.kind;
  }

  get startTime(): HrTime {
    return this.span.startTime;
  }

  get endTime(): HrTime {
    return this.span.endTime;
  }

  get duration(): HrTime {
    return this.span.duration;
  }

  get ended(): boolean {
    return this.span.ended;
  }

  get status(): ReadableSpan['status'] {
    return this.span.status;
  }

  get attributes(): Attributes {
    return this.span.attributes;
  }

  get links(): Link[] {
    return this.span.links;
  }

  get events(): ReadableSpan['events'] {
    return this.span.events;
  }

  get resource(): ReadableSpan['resource'] {
    return this.span.resource;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return this.span.instrumentationScope;
  }

  get droppedAttributesCount(): number {
    return this.span.droppedAttributesCount;
  }

  get droppedEventsCount(): number {
    return this.span.droppedEventsCount;
  }

  get droppedLinksCount(): number {
    return this.span.droppedLinksCount;
  }
}
