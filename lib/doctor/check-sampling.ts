import { usesRatio } from '../config/sampling.js';
import { type TraceConfig } from '../config/traces.js';
import { fault, type Result, warning } from './finding.js';

const FINDING = 'no trace that begins here is recorded.';

/**
 * Whether the sampler records anything: a fault where it never does, a warning where only traces of callers are recorded. A sampler of
 * the application, rules and `keep` decide otherwise, and are not judged.
 */
export function checkSampling({ sampler, rules, keep }: TraceConfig): Result[] {
  if ('shouldSample' in sampler || rules.length > 0 || keep !== undefined) return [];
  const { name, ratio } = sampler;
  const hasRatio = usesRatio(name);
  if (hasRatio ? ratio > 0 : !name.endsWith('always_off')) return [];
  const seen = hasRatio
    ? `${name}, ratio 0 (sampling, else OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG)`
    : `${name} (sampling.sampler, else OTEL_TRACES_SAMPLER)`;
  const judge = name.startsWith('parentbased') ? warning : fault;
  return [
    judge(
      FINDING,
      seen,
      'Set sampling: 0.1, or OTEL_TRACES_SAMPLER=parentbased_traceidratio and OTEL_TRACES_SAMPLER_ARG to a share above 0.',
    ),
  ];
}
