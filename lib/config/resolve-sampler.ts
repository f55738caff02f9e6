import { type EnvironmentValues } from './environment-variables.constants.js';
import { type SamplerName } from './sampling-options.interface.js';
import { type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

/** Share of the unremarkable traces that go out beside the kept ones where nobody says how many. */
const BACKGROUND_RATIO = 0.1;

/** Decides which traces are recorded; a ratio or `keep` in code picks a ratio sampler unless code names another. */
export function resolveSampler(
  { sampling }: TelemetryOptions,
  env: EnvironmentValues,
): TelemetryConfig['traces']['sampler'] {
  const { sampler, ratio, keep } =
    typeof sampling === 'number' ? ({ ratio: sampling } as const) : { ...sampling };
  if (typeof sampler === 'object') return sampler;
  const inEnvironment = env.OTEL_TRACES_SAMPLER;
  const chosenByKeep = isKeeping(keep) && sampler === undefined && inEnvironment === undefined;
  const name =
    sampler ?? (ratio === undefined && !chosenByKeep ? inEnvironment : ratioSampler(inEnvironment));
  if (name === undefined) return Object.freeze({ name: 'parentbased_always_on', ratio: 1 });
  const otherwise = chosenByKeep ? BACKGROUND_RATIO : 1;
  return Object.freeze({
    name,
    ratio: usesRatio(name) ? (ratio ?? env.OTEL_TRACES_SAMPLER_ARG ?? otherwise) : 1,
  });
}

/** Whether the ratio changes anything for this sampler. */
export function usesRatio(name: SamplerName): boolean {
  return name === 'traceidratio' || name === 'parentbased_traceidratio';
}

function isKeeping(keep: boolean | object | undefined): boolean {
  return keep !== undefined && keep !== false;
}

function ratioSampler(inEnvironment: SamplerName | undefined): SamplerName {
  return inEnvironment !== undefined && usesRatio(inEnvironment) ? inEnvironment : 'parentbased_traceidratio';
}
