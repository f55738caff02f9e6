import { type EnvironmentValues } from './environment-variables.constants.js';
import { type TelemetryConfig } from './telemetry-config.interface.js';
import { type SamplerName, type TelemetryOptions } from './telemetry-options.interface.js';

/** Decides which traces are recorded; a ratio in code picks a ratio sampler unless code names another. */
export function resolveSampler(
  { sampling }: TelemetryOptions,
  env: EnvironmentValues,
): TelemetryConfig['traces']['sampler'] {
  const { sampler, ratio } =
    typeof sampling === 'number' ? { ratio: sampling } : { ratio: undefined, ...sampling };
  if (typeof sampler === 'object') return sampler;
  const name =
    sampler ?? (ratio === undefined ? env.OTEL_TRACES_SAMPLER : ratioSampler(env.OTEL_TRACES_SAMPLER));
  if (name === undefined) return Object.freeze({ name: 'parentbased_always_on', ratio: 1 });
  return Object.freeze({ name, ratio: usesRatio(name) ? (ratio ?? env.OTEL_TRACES_SAMPLER_ARG ?? 1) : 1 });
}

/** Whether the ratio changes anything for this sampler. */
export function usesRatio(name: SamplerName): boolean {
  return name === 'traceidratio' || name === 'parentbased_traceidratio';
}

function ratioSampler(inEnvironment: SamplerName | undefined): SamplerName {
  return inEnvironment !== undefined && usesRatio(inEnvironment) ? inEnvironment : 'parentbased_traceidratio';
}
