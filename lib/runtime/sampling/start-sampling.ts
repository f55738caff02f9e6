import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SamplingResult,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

import type { KeepConfig, KeepRuleOptions } from '../../config/sampling.js';
import type { TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { TraceShare } from '../../engine/recording-tracer-provider.js';
import { guardSampler } from '../guards/guard-parts.js';
import { type KeepPolicy, KeptTraceIds } from './local-traces.js';
import { type CompiledRule, compileRules, ruleFor } from './sampling-rules.js';
import { TailSampler } from './tail-sampler.js';
import { setSamplingReport, TailSamplingProcessor } from './tail-sampling.processor.js';

/** What a tracer provider samples with. */
interface Sampling {
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
  const processor = new TailSamplingProcessor({
    processors: spanProcessors,
    limits: keep,
    keptTraceIds,
    policyFor: createPolicies(keep, compiled),
  });
  setSamplingReport(() => processor.counts());
  return {
    sampler: new TailSampler({
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

/** Builds the sampler a configuration names, by the names of `OTEL_TRACES_SAMPLER`, with its rules in front. */
function createSampler(
  setting: TelemetryConfig['traces']['sampler'],
  rules: readonly CompiledRule[],
): Sampler {
  if ('shouldSample' in setting) return guardSampler(setting);
  const { name, ratio } = setting;
  const plain = createNamed(name.replace('parentbased_', ''), ratio);
  if (name.startsWith('parentbased_'))
    return new ParentBasedSampler({ root: withRules(rules, plain), remoteParentSampled: unlessNever(rules) });
  if (rules.length === 0) return plain;
  // A sampler that does not ask its caller: below the start of a trace the rules would match other spans.
  const root = withRules(rules, plain);
  return new ParentBasedSampler({ root, remoteParentSampled: root, remoteParentNotSampled: root });
}

/** A caller decides for its trace, except about what a rule says is never recorded here. */
function unlessNever(rules: readonly CompiledRule[]): Sampler {
  if (!rules.some(({ ratio }) => ratio === 0)) return new AlwaysOnSampler();
  const onlyNever = rules.map((rule) => (rule.ratio === 0 ? rule : { ...rule, ratio: undefined }));
  return new RuleSampler(onlyNever, new AlwaysOnSampler());
}

function withRules(rules: readonly CompiledRule[], sampler: Sampler): Sampler {
  return rules.length === 0 ? sampler : new RuleSampler(rules, sampler);
}

function createNamed(name: string, ratio: number): Sampler {
  switch (name) {
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    default:
      return new AlwaysOnSampler();
  }
}

/** Samples the start of a trace by the ratio of the first rule that matches it, else as another sampler decides. */
class RuleSampler implements Sampler {
  private readonly rules: readonly { readonly rule: CompiledRule; readonly sampler: Sampler }[];

  constructor(
    rules: readonly CompiledRule[],
    private readonly otherwise: Sampler,
  ) {
    this.rules = rules.map((rule) => ({
      rule,
      sampler: rule.ratio === undefined ? otherwise : new TraceIdRatioBasedSampler(rule.ratio),
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
