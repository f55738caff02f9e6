import { type Context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision, type SamplingResult } from '@opentelemetry/sdk-trace';

import { TraceShare } from '../../engine/recording-tracer-provider.js';
import { checkedState, randomnessOf, thresholdIn, withThreshold } from '../../engine/sampling-threshold.js';

const SAMPLED: SamplingResult = Object.freeze({ decision: SamplingDecision.RECORD_AND_SAMPLED });
const NOT_RECORDED: SamplingResult = Object.freeze({ decision: SamplingDecision.NOT_RECORD });

/**
 * Samples by the randomness of the trace alone, and writes the threshold into the trace state of what it samples: a span that is stored
 * then says how many it stands for.
 */
export function sampleByShare(share: TraceShare, context: Context, traceId: string): SamplingResult {
  const state = parentOf(context)?.traceState;
  const isSampled = share.includes(randomnessOf(traceId, state));
  // Below a span that was sampled so, nothing is new.
  if (isSampled && state !== undefined && state === share.traceState) return SAMPLED;
  if (state === undefined) {
    if (!isSampled) return NOT_RECORDED;
    const { traceState } = share;
    return traceState === undefined ? SAMPLED : { decision: SamplingDecision.RECORD_AND_SAMPLED, traceState };
  }
  // At a ratio of 1 nothing need be said, unless something else was.
  const says = isSampled && (share.traceState !== undefined || thresholdIn(state) !== undefined);
  return withState(isSampled, state, withThreshold(state, says ? share.threshold : undefined));
}

/** Samples a fixed share of traces, those that any other sampler with this ratio does. */
export class RatioSampler implements Sampler {
  private readonly share: TraceShare;

  /** @param ratio 0 to 1 */
  constructor(private readonly ratio: number) {
    this.share = new TraceShare(ratio);
  }

  shouldSample(context: Context, traceId: string): SamplingResult {
    return sampleByShare(this.share, context, traceId);
  }

  toString(): string {
    return `TraceIdRatioBased{${this.ratio}}`;
  }
}

/**
 * Does what the caller decided. A threshold of the caller goes on, unless it cannot have led to that decision: then the probability is not known.
 */
export class CallerSampler implements Sampler {
  constructor(private readonly isSampled: boolean) {}

  shouldSample(context: Context, traceId: string): SamplingResult {
    const state = parentOf(context)?.traceState;
    return withState(this.isSampled, state, checkedState(state, traceId, this.isSampled));
  }

  toString(): string {
    return this.isSampled ? 'CallerSampled' : 'CallerNotSampled';
  }
}

/** A result without a state leaves the span that of its parent. */
function withState(
  isSampled: boolean,
  before: SpanContext['traceState'],
  traceState: SpanContext['traceState'],
): SamplingResult {
  if (traceState === undefined || traceState === before) return isSampled ? SAMPLED : NOT_RECORDED;
  return {
    decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
    traceState,
  };
}

function parentOf(context: Context): SpanContext | undefined {
  const parent = trace.getSpanContext(context);
  return parent !== undefined && isSpanContextValid(parent) ? parent : undefined;
}
