import type { Tracer, TracerProvider, TraceState } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, Sampler, Span, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';

import { readSafely, textOf } from './copy-bounded.js';
import type { RecordingLimits } from './recorded-span.js';
import { type RecordingSettings, RecordingTracer } from './recording-tracer.js';
import { type Randomness, Threshold } from './sampling-threshold.js';
import { ScopeCache } from './scope-cache.js';

/** The specification's limits, for attributes, events and links alike. */
const DEFAULT_COUNT = 128;

interface RecordingTracerProviderOptions {
  readonly resource: Resource;
  readonly sampler: Sampler;
  readonly childrenFollowParent: boolean;
  readonly newTraces?: TraceShare | undefined;
  readonly limits: SpanLimits;
  readonly spanProcessors: readonly SpanProcessor[];
}

/**
 * Stands in for the SDK's tracer provider: the same samplers and span processors, spans that cost a fraction. Ended spans
 * are passed to each processor in the given order.
 */
export class RecordingTracerProvider implements TracerProvider {
  private readonly settings: RecordingSettings;
  private readonly processors: readonly SpanProcessor[];
  private readonly tracers = new ScopeCache<RecordingTracer>();

  constructor({ limits, spanProcessors, ...settings }: RecordingTracerProviderOptions) {
    this.processors = spanProcessors;
    this.settings = { ...settings, limits: resolveLimits(limits), processor: joinProcessors(spanProcessors) };
  }

  getTracer(givenName: string, givenVersion?: string, options?: { schemaUrl?: string }): Tracer {
    const name = scopeText(givenName) ?? '';
    const version = scopeText(givenVersion);
    const schemaUrl = scopeText(readSafely(() => options?.schemaUrl));
    return this.tracers.get(name, version, schemaUrl, (scope) => new RecordingTracer(scope, this.settings));
  }

  async forceFlush(): Promise<void> {
    const outcomes = await Promise.allSettled(this.processors.map((processor) => processor.forceFlush()));
    throwFailures(outcomes);
  }

  async shutdown(): Promise<void> {
    const outcomes = await Promise.allSettled(this.processors.map((processor) => processor.shutdown()));
    throwFailures(outcomes);
  }
}

/** A part of a scope as text, whatever was given; undefined where nothing was. */
export function scopeText(given: unknown): string | undefined {
  return given === undefined || typeof given === 'string' ? given : textOf(given, 256);
}

function throwFailures(outcomes: PromiseSettledResult<void>[]): void {
  const failures = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'Several span processors failed');
}

/** One processor that calls all of them; a single one is returned unchanged. */
function joinProcessors(processors: readonly SpanProcessor[]): SpanProcessor {
  const [first] = processors;
  if (processors.length === 1 && first !== undefined) return first;
  return {
    onStart(span: Span, parentContext) {
      for (const processor of processors) processor.onStart(span, parentContext);
    },
    onEnding(span: Span) {
      for (const processor of processors) processor.onEnding?.(span);
    },
    onEnd(span: ReadableSpan) {
      for (const processor of processors) processor.onEnd(span);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

function resolveLimits(limits: SpanLimits): RecordingLimits {
  // A limit that is not positive is none, as in the SDK.
  const given = limits.attributeValueLengthLimit ?? Infinity;
  const valueLength = given > 0 ? given : Infinity;
  return {
    attributes: { count: limits.attributeCountLimit ?? DEFAULT_COUNT, valueLength },
    events: limits.eventCountLimit ?? DEFAULT_COUNT,
    eventAttributes: { count: limits.attributePerEventCountLimit ?? DEFAULT_COUNT, valueLength },
    links: limits.linkCountLimit ?? DEFAULT_COUNT,
    linkAttributes: { count: limits.attributePerLinkCountLimit ?? DEFAULT_COUNT, valueLength },
  };
}

/** The traces that are recorded at a ratio, by their ids as numbers. */
export class TraceShare {
  private current: Threshold;
  private written: TraceState | undefined;

  /** @param ratio 0 to 1 */
  constructor(ratio: number) {
    this.current = Threshold.ofRatio(ratio);
    this.written = stateOf(this.current);
  }

  /** From now on; `ratio` is 0 to 1. */
  change(ratio: number): void {
    this.current = Threshold.ofRatio(ratio);
    this.written = stateOf(this.current);
  }

  get threshold(): Threshold {
    return this.current;
  }

  /** The state of a trace that begins here and is recorded. */
  get traceState(): TraceState | undefined {
    return this.written;
  }

  includes(traceId: Randomness): boolean {
    return this.current.admits(traceId);
  }
}

/** A span stands for itself where nothing else is said: at a ratio of 1 that is right, and costs nothing. */
function stateOf(threshold: Threshold): TraceState | undefined {
  return threshold.text === '0' ? undefined : threshold.traceState;
}
