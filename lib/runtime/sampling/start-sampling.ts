import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import {
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SamplingResult,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';

import type { KeepConfig, KeepRuleOptions } from '../../config/sampling.js';
import type { TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { type TraceShare } from '../../engine/recording-tracer-provider.js';
import { guardSampler } from '../guards/guard-parts.js';
import { type KeepPolicy, KeptTraceIds } from './local-traces.js';
import { NewTraceRatio } from './new-trace-ratio.js';
import { CallerSampler, RatioSampler } from './probability-samplers.js';
import { type CompiledRule, compileRules, ruleFor } from './sampling-rules.js';
import { TailSampler } from './tail-sampler.js';
import { type SamplingCounts, TailSamplingProcessor } from './tail-sampling.processor.js';

/** What a tracer provider samples with. */
interface Sampling {
  readonly sampler: Sampler;
  /** What ended spans pass on their way to the processors that were given. */
  readonly spanProcessors: SpanProcessor[];
  /** undefined where `sampling.keep` is off. */
  readonly counts?: () => SamplingCounts;
  /** The ratio of new traces; undefined where a sampler of the application decides. */
  readonly ratio: NewTraceRatio | undefined;
}

/** Returns the sampler of a configuration, and its tail sampling in front of `processors`. */
export function startSampling(
  { sampler: setting, rules, keep }: TelemetryConfig['traces'],
  processors: SpanProcessor[],
): Sampling {
  const compiled = compileRules(rules);
  const ratio = ratioOf(setting);
  const chooses = createSampler(setting, ratio, compiled);
  if (keep === undefined) return { sampler: chooses, spanProcessors: processors, ratio };
  const keptTraceIds = new KeptTraceIds(keep.maxTraces);
  const policyFor = createPolicies(keep, compiled);
  const processor = new TailSamplingProcessor({ processors, limits: keep, keptTraceIds, policyFor });
  const choosesEachSpan = 'shouldSample' in setting;
  return {
    sampler: new TailSampler({ chooses, choosesEachSpan, rules: compiled, keptTraceIds }),
    spanProcessors: [processor],
    counts: () => processor.counts(),
    ratio,
  };
}

/**
 * Whether spans below one that is not sampled are not sampled either, so that the sampler is not
 * asked. A sampler of the application may decide otherwise, and so may tail sampling.
 */
export function childrenFollowParent({ sampler, keep }: TelemetryConfig['traces']): boolean {
  return keep === undefined && !('shouldSample' in sampler) && sampler.name.startsWith('parentbased_');
}

/** Which traces that begin here are recorded, where the sampler decides by their ids alone. */
export function shareOfNewTraces(
  { rules, keep }: TelemetryConfig['traces'],
  ratio: NewTraceRatio | undefined,
): TraceShare | undefined {
  return keep !== undefined || rules.length > 0 ? undefined : ratio?.share;
}

/** undefined where a sampler of the application decides. */
function ratioOf(setting: TelemetryConfig['traces']['sampler']): NewTraceRatio | undefined {
  if ('shouldSample' in setting) return undefined;
  const { name, ratio } = setting;
  // The ratio is 1 where the name has none.
  return new NewTraceRatio(name.endsWith('always_off') ? 0 : ratio);
}

/** The policy of a trace: that of the first rule that matches, else the general one. */
function createPolicies(
  keep: KeepConfig,
  rules: readonly CompiledRule[],
): (root: ReadableSpan) => KeepPolicy | undefined {
  const general = policyOf(keep);
  if (!rules.some((rule) => rule.keep !== undefined)) return () => general;
  const policies = new Map(rules.map((rule) => [rule, policyOf(keep, rule.keep)]));
  return (root) => {
    const rule = ruleFor(rules, root);
    return rule === undefined ? general : policies.get(rule);
  };
}

function policyOf(keep: KeepConfig): KeepPolicy;
function policyOf(keep: KeepConfig, rule: KeepRuleOptions | false | undefined): KeepPolicy | undefined;
function policyOf(keep: KeepConfig, rule: KeepRuleOptions | false = {}): KeepPolicy | undefined {
  if (rule === false) return undefined;
  const { errors = keep.errors, slowerThanMs = keep.slowerThanMs ?? Infinity } = rule;
  return { errors, slowerThanMs };
}

/** Creates a sampler by a name of `OTEL_TRACES_SAMPLER`, with the rules in front. */
function createSampler(
  setting: TelemetryConfig['traces']['sampler'],
  plain: NewTraceRatio | undefined,
  rules: readonly CompiledRule[],
): Sampler {
  if ('shouldSample' in setting || plain === undefined) return guardSampler(setting as Sampler); // without a ratio it is one
  const { name } = setting;
  if (name.startsWith('parentbased_'))
    return new ParentBasedSampler({
      root: withRules(rules, plain),
      remoteParentSampled: unlessNever(rules),
      remoteParentNotSampled: new CallerSampler(false),
    });
  if (rules.length === 0) return plain;
  // Rules apply to the start of a trace only, also where the sampler does not follow its caller.
  const root = withRules(rules, plain);
  return new ParentBasedSampler({ root, remoteParentSampled: root, remoteParentNotSampled: root });
}

/** A caller decides for its trace, except where a rule has ratio 0. */
function unlessNever(rules: readonly CompiledRule[]): Sampler {
  if (!rules.some(({ ratio }) => ratio === 0)) return new CallerSampler(true);
  const onlyNever = rules.map((rule) => (rule.ratio === 0 ? rule : { ...rule, ratio: undefined }));
  return new RuleSampler(onlyNever, new CallerSampler(true));
}

function withRules(rules: readonly CompiledRule[], sampler: Sampler): Sampler {
  return rules.length === 0 ? sampler : new RuleSampler(rules, sampler);
}

/** Samples the start of a trace by the ratio of the first matching rule, else by a sampler. */
class RuleSampler implements Sampler {
  private readonly rules: readonly { readonly rule: CompiledRule; readonly sampler: Sampler }[];

  constructor(
    rules: readonly CompiledRule[],
    private readonly otherwise: Sampler,
  ) {
    this.rules = rules.map((rule) => ({
      rule,
      sampler: rule.ratio === undefined ? otherwise : new RatioSampler(rule.ratio),
    }));
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const root = { name, kind, attributes };
    const sampler = this.rules.find(({ rule }) => rule.matches(root))?.sampler ?? this.otherwise;
    return sampler.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `Rules{${this.rules.map(({ sampler }) => sampler.toString()).join(', ')}, otherwise=${this.otherwise.toString()}}`;
  }
}
