import { type EnvironmentValues } from './environment-variables.constants.js';
import { resolveValueLength } from './resolve-limits.js';
import { resolveOtlpTargets } from './resolve-otlp-targets.js';
import { type TelemetryConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';
import { withoutUndefined } from './without-undefined.js';

/** Decides where log records go. */
export function resolveLogs(options: TelemetryOptions, env: EnvironmentValues): TelemetryConfig['logs'] {
  const chosen = env.OTEL_LOGS_EXPORTER;
  const asked = chosen?.includes('otlp') === true;
  return Object.freeze({
    otlp: chosen === undefined || asked ? resolveOtlpTargets('logs', options, env, asked) : Object.freeze([]),
    batch: Object.freeze(
      withoutUndefined({
        maxQueueSize: env.OTEL_BLRP_MAX_QUEUE_SIZE,
        scheduledDelayMillis: env.OTEL_BLRP_SCHEDULE_DELAY,
        exportTimeoutMillis: env.OTEL_BLRP_EXPORT_TIMEOUT,
        maxExportBatchSize: env.OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
      }),
    ),
    attributeValueLength: resolveValueLength(options, env, env.OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT),
    processors: Object.freeze([...(options.logRecordProcessors ?? [])]),
  });
}
