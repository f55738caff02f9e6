import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  trace,
  TraceFlags,
  type Tracer,
  type TraceState,
} from '@opentelemetry/api';
import { type InstrumentationScope } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';
import { type Sampler, SamplingDecision, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { warnOnce } from '../errors/warnings.js';
import { AttributeList } from './attribute-list.js';
import { isPlainRecord, toAttributes } from './attribute-value.js';
import { textOf } from './copy-bounded.js';
import { lineageOf, optionsAfterEnd } from './lineage.js';
import { LocalSpan, TraceId, UnrecordedSpan } from './local-span.js';
import { RecordedSpan, type RecordingLimits, type SpanOwner } from './recorded-span.js';
import { countStarted, Origin, recordingCounts, Result } from './recording-counts.js';
import type { TraceShare } from './recording-tracer-provider.js';
import { SpanClock } from './span-clock.js';
import { startActive } from './start-active.js';
import { isTracingSuppressed } from './suppressed-tracing.js';

/** What all tracers of a provider share. */
export interface RecordingSettings {
  readonly resource: Resource;
  readonly limits: RecordingLimits;
  readonly processor: SpanProcessor;
  readonly sampler: Sampler;
  /** Whether the sampler would decide for a child as it did for its local parent, so that it need not be asked. */
  readonly childrenFollowParent: boolean;
  /** Which of the traces that begin here are recorded, where the sampler looks at nothing but their ids; undefined where it is asked. */
  readonly newTraces?: TraceShare | undefined;
}

const NOT_RECORDED: Span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
const NO_ATTRIBUTES = Object.freeze({});
const NO_LINKS: Link[] = [];

/** Starts spans that record cheaply; decides about each as a tracer of OpenTelemetry's SDK does. */
export class RecordingTracer implements Tracer, SpanOwner {
  readonly resource: Resource;
  readonly limits: RecordingLimits;
  readonly processor: SpanProcessor;

  constructor(
    readonly instrumentationScope: InstrumentationScope,
    private readonly settings: RecordingSettings,
  ) {
    this.resource = settings.resource;
    this.limits = settings.limits;
    this.processor = settings.processor;
  }

  startSpan(name: string, options: SpanOptions = {}, parentContext: Context = context.active()): Span {
    try {
      return this.start(name, options, parentContext);
    } catch (error) {
      return this.startBare(name, error);
    }
  }

  private start(name: string, options: SpanOptions, parentContext: Context): Span {
    const caller = options.root === true ? trace.deleteSpan(parentContext) : parentContext;
    if (isTracingSuppressed(caller)) return NOT_RECORDED;
    const parent = trace.getSpan(caller);
    const { newTraces } = this.settings;
    if (parent === undefined && newTraces !== undefined)
      return this.startTrace(name, options, caller, newTraces);
    const lineage = parent instanceof LocalSpan ? parent : lineageOf(parent);
    if (lineage?.ended === true) {
      const late = optionsAfterEnd(lineage, options);
      if (late !== undefined) return this.startSpan(name, late, caller);
    }
    if (parent instanceof LocalSpan && this.settings.childrenFollowParent) {
      return parent instanceof RecordedSpan
        ? this.record(name, options, caller, parent)
        : unrecorded(parent.traceId, parent.traceState, parent);
    }
    return this.decide(name, options, caller, parent);
  }

  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    return startActive(this, name, rest);
  }

  /** A span without what was asked for, where that cannot be read: what it surrounds must run all the same. */
  private startBare(name: unknown, error: unknown): Span {
    const text = textOf(name, 256);
    warnOnce(
      'span:start',
      `The span "${text}" is started without its options, which cannot be read: ${textOf(error)}`,
    );
    try {
      return this.start(text, {}, context.active());
    } catch {
      // A processor or a sampler that throws has been warned about where it is called.
      return NOT_RECORDED;
    }
  }

  /** A child of a span of this process that records: everything but the name is known already. */
  private record(name: string, options: SpanOptions, caller: Context, parent: RecordedSpan): Span {
    const { traceId, traceFlags, traceState, clock } = parent;
    const kind = options.kind ?? SpanKind.INTERNAL;
    const { startTime } = options;
    const start = { name, kind, traceId, traceFlags, traceState, parent, clock, startTime };
    return this.begin(new RecordedSpan(this, start), options, caller);
  }

  /** A span without a parent; the sampling decision needs no text of its trace id. */
  private startTrace(name: string, options: SpanOptions, caller: Context, recorded: TraceShare): Span {
    const traceId = TraceId.random();
    if (!recorded.includes(traceId)) return unrecorded(traceId, undefined, undefined);
    const start = {
      name,
      kind: options.kind ?? SpanKind.INTERNAL,
      traceId,
      traceFlags: TraceFlags.SAMPLED,
      traceState: recorded.traceState,
      parent: undefined,
      clock: SpanClock.current(),
      startTime: options.startTime,
    };
    return this.begin(new RecordedSpan(this, start), options, caller);
  }

  private decide(name: string, options: SpanOptions, caller: Context, parent: Span | undefined): Span {
    const local = parent instanceof LocalSpan ? parent : undefined;
    const remote = local === undefined ? validContextOf(parent) : undefined;
    const traceId =
      local?.traceId ?? (remote === undefined ? TraceId.random() : TraceId.parse(remote.traceId));
    const kind = options.kind ?? SpanKind.INTERNAL;
    const given = options.attributes ?? NO_ATTRIBUTES;
    const {
      decision,
      attributes,
      traceState = (local ?? remote)?.traceState,
    } = this.settings.sampler.shouldSample(
      caller,
      traceId.toString(),
      name,
      kind,
      isPlainRecord(given) ? given : toAttributes(given, `span "${textOf(name, 256)}"`),
      options.links ?? NO_LINKS,
    );
    if (decision === SamplingDecision.NOT_RECORD) return unrecorded(traceId, traceState, local ?? remote);
    const span = new RecordedSpan(this, {
      name,
      kind,
      traceId,
      traceFlags: decision === SamplingDecision.RECORD_AND_SAMPLED ? TraceFlags.SAMPLED : TraceFlags.NONE,
      traceState,
      parent: local ?? remote,
      clock: local instanceof RecordedSpan ? local.clock : SpanClock.current(),
      startTime: options.startTime,
    });
    this.begin(span, options, caller, attributes);
    return span;
  }

  private begin(
    span: RecordedSpan,
    { attributes, links }: SpanOptions,
    caller: Context,
    sampled?: SpanOptions['attributes'],
  ): Span {
    if (attributes !== undefined || sampled !== undefined) {
      const list = new AttributeList(this.limits.attributes);
      if (attributes !== undefined) list.setAll(attributes);
      if (sampled !== undefined) list.setAll(sampled);
      span.attributeList = list;
    }
    if (links !== undefined) span.addLinks(links);
    span.announce(caller);
    const isSampled = (span.traceFlags & TraceFlags.SAMPLED) !== 0;
    countStarted(originOf(span.parent), isSampled ? Result.sample : Result.recordOnly);
    recordingCounts.live += 1;
    return span;
  }
}

function unrecorded(
  traceId: TraceId,
  traceState: TraceState | undefined,
  parent: LocalSpan | SpanContext | undefined,
): Span {
  countStarted(originOf(parent), Result.drop);
  return new UnrecordedSpan(traceId, traceState, parent);
}

function originOf(parent: LocalSpan | SpanContext | undefined): number {
  if (parent === undefined) return Origin.none;
  return parent instanceof LocalSpan || parent.isRemote !== true ? Origin.local : Origin.remote;
}

/** The context a parent gives, if it is one that a trace can go on from. */
function validContextOf(parent: Span | undefined): SpanContext | undefined {
  const spanContext = parent?.spanContext();
  return spanContext !== undefined && trace.isSpanContextValid(spanContext) ? spanContext : undefined;
}
