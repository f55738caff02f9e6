import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  type SpanContext,
  type SpanKind,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { type Sampler, SamplingDecision, type SamplingResult } from '@opentelemetry/sdk-trace';

import { Threshold, withThreshold } from '../../engine/sampling-threshold.js';
import { type KeptTraceIds, localTraceOf } from './local-traces.js';
import { type CompiledRule, ruleFor } from './sampling-rules.js';

const SAMPLED: SamplingResult = Object.freeze({ decision: SamplingDecision.RECORD_AND_SAMPLED });
const RECORDED: SamplingResult = Object.freeze({ decision: SamplingDecision.RECORD });
const NOT_RECORDED: SamplingResult = Object.freeze({ decision: SamplingDecision.NOT_RECORD });

export interface TailSamplerOptions {
  /** Chooses what is sampled whatever becomes of it. */
  readonly chooses: Sampler;
  /**
   * Whether it may choose a span below one it did not choose, as a sampler of the application may.
   */
  readonly choosesEachSpan: boolean;
  readonly rules: readonly CompiledRule[];
  readonly keptTraceIds: KeptTraceIds;
}

/**
 * Records spans that another sampler does not choose, without the sampled flag, so that they can
 * still be kept. Spans below follow their local trace: once it is kept they are sampled.
 */
export class TailSampler implements Sampler {
  private readonly hasExceptions: boolean;

  constructor(private readonly options: TailSamplerOptions) {
    this.hasExceptions = options.rules.some(({ keep }) => keep === false);
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const { chooses, choosesEachSpan, rules, keptTraceIds } = this.options;
    const parent = trace.getSpanContext(context);
    const local = parent === undefined ? undefined : localTraceOf(parent);
    if (local?.state === 'kept') return sampledAnyway(parent);
    if (!choosesEachSpan && isSampledHere(parent)) return SAMPLED;
    if (local !== undefined && !choosesEachSpan) return local.state === 'dropped' ? NOT_RECORDED : RECORDED;

    const result = chooses.shouldSample(context, traceId, name, kind, attributes, links);
    const isChosen = result.decision === SamplingDecision.RECORD_AND_SAMPLED;
    if (local !== undefined)
      return isChosen ? result : local.state === 'dropped' ? NOT_RECORDED : recorded(result);

    if (isOfThisProcess(parent)) return result;
    if (this.hasExceptions && ruleFor(rules, { name, kind, attributes })?.keep === false) return result;
    if (parent !== undefined && keptTraceIds.has(traceId)) return sampledAnyway(parent);
    return isChosen ? result : recorded(result);
  }

  toString(): string {
    return `Keep{${this.options.chooses.toString()}}`;
  }
}

function isSampledHere(parent: SpanContext | undefined): boolean {
  return parent !== undefined && parent.isRemote !== true && (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Whether a parent in this process was refused: then its children are, too. */
function isOfThisProcess(parent: SpanContext | undefined): boolean {
  return parent !== undefined && isSpanContextValid(parent) && parent.isRemote !== true;
}

/** As every span there is: it stands for itself, also where its trace was chosen for others. */
function sampledAnyway(parent: SpanContext | undefined): SamplingResult {
  const traceState = withThreshold(parent?.traceState, Threshold.ALL);
  if (traceState === parent?.traceState) return SAMPLED;
  return { decision: SamplingDecision.RECORD_AND_SAMPLED, traceState };
}

/** Keeps attributes and trace state that the sampler returned. */
function recorded(result: SamplingResult): SamplingResult {
  if (result.attributes === undefined && result.traceState === undefined) return RECORDED;
  return { ...result, decision: SamplingDecision.RECORD };
}
