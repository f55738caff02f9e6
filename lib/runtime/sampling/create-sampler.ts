import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { guardSampler } from '../guards/guard-parts.js';
import { type CompiledRule } from './compile-rules.js';
import { RuleSampler } from './rule.sampler.js';

/** Builds the sampler a configuration names, by the names of `OTEL_TRACES_SAMPLER`, with its rules in front. */
export function createSampler(
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
