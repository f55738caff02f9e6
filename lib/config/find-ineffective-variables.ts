import { type EnvironmentValues, type EnvironmentVariableName } from './environment-variables.constants.js';
import { usesRatio } from './sampling.js';
import { type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';

/** Sentences about variables that are well written and yet change nothing or less than they say, with the remedy. */
export function findIneffectiveVariables(
  options: TelemetryOptions,
  env: EnvironmentValues,
  { metrics }: Pick<TelemetryConfig, 'metrics'>,
): readonly string[] {
  const sentences: string[] = [];
  const say = (name: EnvironmentVariableName, why: string): void => {
    sentences.push(`${name} in the environment ${why}`);
  };

  const sampler = env.OTEL_TRACES_SAMPLER;
  if (
    env.OTEL_TRACES_SAMPLER_ARG !== undefined &&
    options.sampling === undefined &&
    (sampler === undefined || !usesRatio(sampler))
  )
    say(
      'OTEL_TRACES_SAMPLER_ARG',
      'has no effect. Set OTEL_TRACES_SAMPLER=parentbased_traceidratio with it.',
    );
  if (
    env.OTEL_EXPORTER_PROMETHEUS_HOST !== undefined &&
    metrics.prometheus !== undefined &&
    metrics.prometheus.port === undefined
  )
    say('OTEL_EXPORTER_PROMETHEUS_HOST', 'has no effect. Set OTEL_EXPORTER_PROMETHEUS_PORT with it.');
  const timeout = env.OTEL_METRIC_EXPORT_TIMEOUT;
  if (timeout !== undefined && timeout > metrics.exportIntervalMillis)
    say(
      'OTEL_METRIC_EXPORT_TIMEOUT',
      `is longer than the interval between two exports and was cut to it. Write at most ${metrics.exportIntervalMillis}.`,
    );
  if (isLeftOut(env.OTEL_TRACES_EXPORTER, 'otlp') && options.otlpEndpoint !== undefined)
    say(
      'OTEL_TRACES_EXPORTER',
      'leaves out the otlpEndpoint that is set in code. Add otlp to it to send traces there.',
    );
  if (isLeftOut(env.OTEL_TRACES_EXPORTER, 'jaeger') && options.jaegerEndpoint !== undefined)
    say(
      'OTEL_TRACES_EXPORTER',
      'leaves out the jaegerEndpoint that is set in code. Add jaeger to it to send traces there.',
    );
  if (isLeftOut(env.OTEL_METRICS_EXPORTER, 'otlp') && options.otlpEndpoint !== undefined)
    say(
      'OTEL_METRICS_EXPORTER',
      'leaves out the otlpEndpoint that is set in code. Add otlp to it to send metrics there.',
    );
  return sentences;
}

/** `none` is said on purpose and needs no warning. */
function isLeftOut<T extends string>(chosen: readonly T[] | undefined, name: T): boolean {
  return chosen !== undefined && chosen.length > 0 && !chosen.includes(name);
}
