import { type EnvironmentValues } from './environment-variables.constants.js';
import { type LoggingConfig } from './telemetry-config.interface.js';
import { isProduction, isTest } from './resolve-identity.js';
import {
  type LoggingOptions,
  type TelemetryLogLevel,
  type TelemetryOptions,
} from './telemetry-options.interface.js';

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
