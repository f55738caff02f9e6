import {
  type Context,
  type HrTime,
  type SpanContext,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { type ReadableSpan, type Span, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../../errors/warnings.js';
import { KeptSpan } from './kept-span.js';
import { type KeptTraceIds } from './kept-trace-ids.js';
import { joinLocalTrace, type KeepPolicy, LocalTrace, localTraceOf } from './local-trace.js';
import { type KeepReason, type SamplingCounts } from './sampling-report.js';
import { type WaitingLimits, WaitingTraces } from './waiting-traces.js';

export interface KeepProcessorOptions {
  /** Processors that are told of each span once, when its trace is decided: sampled if it is kept, else not. */
  readonly processors: readonly SpanProcessor[];
  readonly limits: WaitingLimits;
  readonly keptTraceIds: KeptTraceIds;
  policyFor(root: ReadableSpan): KeepPolicy;
}

/**
 * Stands before all other processors and holds back what the sampler records without choosing it, until it is known whether
 * it matters: a span failed, or the local root turned out slow. What the sampler chose passes through.
 */
export class KeepProcessor implements SpanProcessor {
  private readonly waiting: WaitingTraces;
  private readonly counted = { keptForErrors: 0, keptForDuration: 0, keptWithTrace: 0, dropped: 0 };
  private stopped = false;

  constructor(private readonly options: KeepProcessorOptions) {
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

  /** Tells of an ended span; unsampled ones are left alone by everything that exports. */
  private deliver(span: ReadableSpan): void {
    for (const processor of this.options.processors) {
      try {
        processor.onEnd(span);
      } catch (error) {
        // Spans that waited are told of in the middle of another span's end, whose caller has nothing to do with them.
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
