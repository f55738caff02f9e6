import { type Attributes, type Context, type Link, type SpanKind } from '@opentelemetry/api';
import { type Sampler, type SamplingResult, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';

import { type CompiledRule } from './compile-rules.js';

/** Samples the start of a trace by the ratio of the first rule that matches it, else as another sampler decides. */
export class RuleSampler implements Sampler {
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
