import { type ReadableSpan, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace';

import type { KeepRuleOptions } from '../../config/sampling.js';
import { type KeepConfig } from '../../config/sampling.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { TraceShare } from '../../engine/recording-tracer-provider.js';
import { type CompiledRule, compileRules, ruleFor } from './compile-rules.js';
import { createSampler } from './create-sampler.js';
import { KeepProcessor } from './keep.processor.js';
import { KeepSampler } from './keep.sampler.js';
import { KeptTraceIds } from './kept-trace-ids.js';
import { type KeepPolicy } from './local-trace.js';
import { setSamplingReport } from './sampling-report.js';

/** What a tracer provider samples with. */
export interface Sampling {
  readonly sampler: Sampler;
  /** What ended spans go through on their way to the processors that were given. */
  readonly spanProcessors: SpanProcessor[];
}

/** Gives sampler and processors of a configuration: its sampler, its rules and, where it keeps what matters, what waits for that. */
export function startSampling(
  { sampler: setting, rules, keep }: TelemetryConfig['traces'],
  spanProcessors: SpanProcessor[],
): Sampling {
  const compiled = compileRules(rules);
  const sampler = createSampler(setting, compiled);
  if (keep === undefined) {
    setSamplingReport(undefined);
    return { sampler, spanProcessors };
  }
  const keptTraceIds = new KeptTraceIds(keep.maxTraces);
  const processor = new KeepProcessor({
    processors: spanProcessors,
    limits: keep,
    keptTraceIds,
    policyFor: createPolicies(keep, compiled),
  });
  setSamplingReport(() => processor.counts());
  return {
    sampler: new KeepSampler({
      chooses: sampler,
      choosesEachSpan: 'shouldSample' in setting,
      rules: compiled,
      keptTraceIds,
    }),
    spanProcessors: [processor],
  };
}

/**
 * Whether what holds for a span that is not sampled holds for all below it, so that nobody need be asked about them. A
 * sampler of the application's own may decide otherwise, and so may the fate of a trace that is kept.
 */
export function childrenFollowParent({ sampler, keep }: TelemetryConfig['traces']): boolean {
  return keep === undefined && !('shouldSample' in sampler) && sampler.name.startsWith('parentbased_');
}

/** Which traces that begin here are recorded, where the sampler decides by their ids alone. */
export function shareOfNewTraces({
  sampler,
  rules,
  keep,
}: TelemetryConfig['traces']): TraceShare | undefined {
  if (keep !== undefined || rules.length > 0 || 'shouldSample' in sampler) return undefined;
  // 1 where the name speaks of no ratio.
  const { name, ratio } = sampler;
  return new TraceShare(name.endsWith('always_off') ? 0 : ratio);
}

/** How each trace that starts is judged: as the first rule that matches says, and otherwise as all are. */
function createPolicies(
  keep: KeepConfig,
  rules: readonly CompiledRule[],
): (root: ReadableSpan) => KeepPolicy {
  const general = policyOf(keep, {});
  if (!rules.some((rule) => rule.keep !== undefined)) return () => general;
  const policies = new Map(rules.map((rule) => [rule, policyOf(keep, rule.keep === false ? {} : rule.keep)]));
  return (root) => {
    const rule = ruleFor(rules, root);
    return (rule === undefined ? undefined : policies.get(rule)) ?? general;
  };
}

function policyOf(keep: KeepConfig, { errors, slowerThanMs }: KeepRuleOptions = {}): KeepPolicy {
  return {
    errors: errors ?? keep.errors,
    slowerThanMs: slowerThanMs ?? keep.slowerThanMs ?? Infinity,
  };
}
