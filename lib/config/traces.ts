import type { EnvironmentValues } from './environment-variables.constants.js';
import { otlpBaseUrl, resolveOtlpTargets, withoutDuplicates } from './otlp.js';
import type { JaegerEndpoint } from './jaeger.js';
import { resolveValueLength, withoutUndefined } from './limits.js';
import { resolveSampler, resolveSampling } from './sampling.js';
import type { BatchLimits, TelemetryConfig } from './telemetry-config.interface.js';
import type { TelemetryOptions } from './telemetry-options.interface.js';

/** Decides where spans go, which ones, and how large they may become. */
export function resolveTraces(
  options: TelemetryOptions,
  env: EnvironmentValues,
  jaeger: JaegerEndpoint | undefined,
): TelemetryConfig['traces'] {
  const chosen = env.OTEL_TRACES_EXPORTER;
  const usesOtlp = chosen === undefined || chosen.includes('otlp');
  const otlp = usesOtlp ? resolveOtlpTargets('traces', options, env, chosen !== undefined) : [];

  return Object.freeze({
    otlp: withoutDuplicates(jaeger?.kind === 'otlp' ? [...otlp, jaegerOtlpTarget(jaeger)] : otlp),
    jaeger: Object.freeze(jaeger?.kind === 'thrift' ? [Object.freeze(jaeger.target)] : []),
    console: options.enableConsole ?? chosen?.includes('console') === true,
    sampler: resolveSampler(options, env),
    ...resolveSampling(options),
    batch: resolveSpanBatch(env),
    limits: Object.freeze(
      withoutUndefined({
        attributeCountLimit: env.OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT ?? env.OTEL_ATTRIBUTE_COUNT_LIMIT,
        attributeValueLengthLimit: resolveValueLength(
          options,
          env,
          env.OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT,
        ),
        eventCountLimit: env.OTEL_SPAN_EVENT_COUNT_LIMIT,
        linkCountLimit: env.OTEL_SPAN_LINK_COUNT_LIMIT,
        attributePerEventCountLimit: env.OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
        attributePerLinkCountLimit: env.OTEL_LINK_ATTRIBUTE_COUNT_LIMIT,
      }),
    ),
    processors: Object.freeze([...(options.spanProcessors ?? [])]),
  });
}

/** Jaeger gets none of the OTLP headers: they are the credentials of another receiver. */
function jaegerOtlpTarget({ address, protocol }: Extract<JaegerEndpoint, { kind: 'otlp' }>) {
  return Object.freeze({
    url: otlpBaseUrl(address, protocol, 'traces'),
    protocol,
    headers: Object.freeze({}),
  });
}

function resolveSpanBatch(env: EnvironmentValues): BatchLimits {
  return Object.freeze(
    withoutUndefined({
      maxQueueSize: env.OTEL_BSP_MAX_QUEUE_SIZE,
      scheduledDelayMillis: env.OTEL_BSP_SCHEDULE_DELAY,
      exportTimeoutMillis: env.OTEL_BSP_EXPORT_TIMEOUT,
      maxExportBatchSize: env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    }),
  );
}
