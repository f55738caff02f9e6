import type { EnvironmentValues } from './environment-variables.constants.js';
import type { LoggingConfig, TelemetryConfig } from './telemetry-config.interface.js';
import { isProduction, isTest } from './identity.js';
import type { LoggingOptions, TelemetryLogLevel, TelemetryOptions } from './telemetry-options.interface.js';
import { resolveValueLength, withoutUndefined } from './limits.js';
import { resolveOtlpTargets } from './otlp.js';

/** Decides what a log line looks like and where it goes. */
export function resolveLogging(
  { logging }: TelemetryOptions,
  env: EnvironmentValues,
  environment: string,
  isTerminal: boolean,
): LoggingConfig {
  const production = isProduction(environment);
  const chosen = typeof logging === 'object' ? logging : {};
  return Object.freeze({
    enabled: logging !== false,
    level: chosen.level ?? levelOf(env.OTEL_LOG_LEVEL) ?? (production ? 'info' : 'debug'),
    format: chosen.format ?? defaultFormat(chosen, environment, isTerminal),
    formatIsChosen: chosen.format !== undefined,
    redact: Object.freeze([...(chosen.redact ?? [])]),
    nestLogger: chosen.nestLogger ?? true,
    requestLog: chosen.requestLog ?? true,
    spanEvents: chosen.spanEvents ?? true,
    destination: chosen.destination,
    pino: Object.freeze({ ...chosen.pino }),
  });
}

function defaultFormat(
  { destination, pino }: LoggingOptions,
  environment: string,
  isTerminal: boolean,
): LoggingConfig['format'] {
  if (isProduction(environment)) return 'json';
  const seen = isTerminal && destination === undefined && pino?.transport === undefined;
  return seen && !isTest(environment) ? 'pretty' : 'text';
}

function levelOf(level: EnvironmentValues['OTEL_LOG_LEVEL']): TelemetryLogLevel | undefined {
  if (level === 'none') return 'silent';
  return level === 'verbose' || level === 'all' ? 'trace' : level;
}

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
