import { type EnvironmentValues } from './environment-variables.constants.js';
import { type LoggingConfig } from './telemetry-config.interface.js';
import { type TelemetryLogLevel, type TelemetryOptions } from './telemetry-options.interface.js';

/** Decides what a log line looks like and where it goes. */
export function resolveLogging(
  { logging }: TelemetryOptions,
  env: EnvironmentValues,
  production: boolean,
): LoggingConfig {
  const chosen = typeof logging === 'object' ? logging : {};
  return Object.freeze({
    enabled: logging !== false,
    level: chosen.level ?? levelOf(env.OTEL_LOG_LEVEL) ?? (production ? 'info' : 'debug'),
    format: chosen.format ?? (production ? 'json' : 'text'),
    formatIsChosen: chosen.format !== undefined,
    redact: Object.freeze([...(chosen.redact ?? [])]),
    nestLogger: chosen.nestLogger ?? true,
    requestLog: chosen.requestLog ?? true,
    spanEvents: chosen.spanEvents ?? true,
    destination: chosen.destination,
    pino: Object.freeze({ ...chosen.pino }),
  });
}

function levelOf(level: EnvironmentValues['OTEL_LOG_LEVEL']): TelemetryLogLevel | undefined {
  if (level === 'none') return 'silent';
  return level === 'verbose' || level === 'all' ? 'trace' : level;
}
