import { type SamplingRule } from './sampling-options.interface.js';
import { type KeepConfig, type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

const MAX_TRACES = 2000;
const MAX_SPANS = 10_000;
const DECISION_TIMEOUT_MS = 30_000;

/** Decides what holds beside the sampler: rules for some traces, and what is kept of those it does not choose. */
export function resolveSampling({
  sampling,
}: TelemetryOptions): Pick<TelemetryConfig['traces'], 'rules' | 'keep'> {
  const { rules = [], keep = false } = typeof sampling === 'object' ? sampling : {};
  return {
    rules: Object.freeze(rules.map(copyRule)),
    keep: keep === false ? undefined : resolveKeep(keep === true ? {} : keep),
  };
}

function resolveKeep({
  errors = true,
  slowerThanMs,
  maxTraces = MAX_TRACES,
  maxSpans = MAX_SPANS,
  decisionTimeoutMs = DECISION_TIMEOUT_MS,
}: Partial<KeepConfig>): KeepConfig {
  return Object.freeze({ errors, slowerThanMs, maxTraces, maxSpans, decisionTimeoutMs });
}

/** Frozen to the bottom, without touching what the user holds. */
function copyRule(rule: SamplingRule): SamplingRule {
  const { attributes, keep } = rule;
  return Object.freeze({
    ...rule,
    ...(attributes !== undefined && { attributes: Object.freeze({ ...attributes }) }),
    ...(typeof keep === 'object' && { keep: Object.freeze({ ...keep }) }),
  });
}
