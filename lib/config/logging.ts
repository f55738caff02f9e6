import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { DestinationStream, LoggerOptions } from 'pino';

import {
  decideAll,
  frozenList,
  option,
  type OptionsOf,
  type Resolved,
  type ValuesIn,
  type ValuesOf,
} from './declare-options.js';
import type { EnvironmentVariable } from './environment.js';
import { isProduction, isTest } from './identity.js';
import {
  type BatchLimits,
  type LimitSection,
  type LimitValues,
  resolveBatch,
  resolveLogAttributeCount,
  resolveLogValueLength,
} from './limits.js';
import {
  flag,
  flagOr,
  having,
  isRecord,
  listOf,
  oneOf,
  renderKind,
  renderReceived,
  shape,
  text,
} from './option-rules.js';
import { type OtlpSection, type OtlpTarget, type OtlpValues, resolveOtlpTargets } from './otlp.js';

/** pino's levels, the least severe first. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const LOG_FORMATS = ['json', 'text', 'pretty'] as const;

/** Severity threshold; pino's names. */
export type TelemetryLogLevel = (typeof LOG_LEVELS)[number];

/** How log lines look and where they go. */
export interface LoggingOptions {
  /**
   * Least severe level that is written: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.
   * Default `info` in production, `debug` elsewhere. Env `OTEL_LOG_LEVEL`.
   */
  level?: TelemetryLogLevel;
  /**
   * `json`; `text`, which is `INFO - message [trace:…] [span:…]`; or `pretty`, which is the form of
   * NestJS's console logger with colours (`NO_COLOR`, `FORCE_COLOR`) and short ids. Default `json` in production; `pretty` in a terminal, except in tests; `text` elsewhere.
   */
  format?: 'json' | 'text' | 'pretty';
  /** pino paths whose values are replaced by `[Redacted]` in lines, log records and span events. Default none. */
  redact?: readonly string[];
  /**
   * NestJS's own `Logger` writes through this logger.
   *
   * A logger passed to NestFactory is never replaced.
   *
   * Default `true`.
   */
  nestLogger?: boolean;
  /** Writes one line per finished HTTP request. Default `true`. */
  requestLog?: boolean;
  /** Adds log lines to the active span as events, so that Jaeger shows them. Default `true`. */
  spanEvents?: boolean;
  /** Stream for the lines, an object with `write(line)`. Default standard output. */
  destination?: DestinationStream;
  /** Further pino options, except `level` and `redact`. Default none. */
  pino?: Omit<LoggerOptions, 'level' | 'redact'>;
}

/** Options for log lines and log records. */
export interface LoggingSection {
  /**
   * How log lines look and where they go; `false` leaves the logging of the application unchanged.
   * Default: on; JSON from `info` in production, text from `debug` elsewhere.
   */
  logging?: boolean | LoggingOptions;
  /** Further log record processors. Default none. */
  logRecordProcessors?: readonly LogRecordProcessor[];
}

/** `logging`, resolved. */
export interface LoggingConfig extends Resolved<Omit<LoggingOptions, 'destination'>> {
  /** false: nestjs-pino is not set up, and NestJS's logger stays as it is. */
  readonly enabled: boolean;
  /** Whether the application set the format; a default gives way to a JSON logger of the application. */
  readonly formatIsChosen: boolean;
  readonly destination: DestinationStream | undefined;
}

/** Destinations and limits of log records. */
export interface LogConfig {
  readonly otlp: readonly OtlpTarget[];
  readonly batch: BatchLimits;
  /** Attributes of an exported log record; further ones are dropped and counted in it. */
  readonly attributeCount: number;
  /** Characters of a text in a body or attribute; Infinity for no limit. */
  readonly attributeValueLength: number;
  readonly processors: readonly LogRecordProcessor[];
}

/** Names of `OTEL_LOG_LEVEL` in the specification that pino does not have. */
const FURTHER_LEVELS: Readonly<Partial<Record<string, TelemetryLogLevel>>> = {
  none: 'silent',
  verbose: 'trace',
  all: 'trace',
};

const LOGGING = {
  level: option(oneOf(LOG_LEVELS), {
    env: {
      OTEL_LOG_LEVEL: {
        kind: 'choice',
        choices: [...LOG_LEVELS, 'none', 'verbose', 'all'],
        meaning:
          'Least severe level that is written. `none` means `silent`; `verbose` and `all` mean `trace`.',
        means: (level: string) => FURTHER_LEVELS[level] ?? (level as TelemetryLogLevel),
      },
    },
  }),
  format: oneOf(LOG_FORMATS),
  redact: listOf(text('a pino path such as req.headers.authorization'), 'pino paths'),
  nestLogger: option(flag, { default: true }),
  requestLog: option(flag, { default: true }),
  spanEvents: option(flag, { default: true }),
  destination: having(['write'], 'a stream'),
  pino: {
    check: (value, name, report) => {
      if (!isRecord(value)) report(name, renderReceived(value), 'Write an object of pino options.');
      else
        for (const key of ['level', 'redact'])
          if (value[key] !== undefined)
            report(`${name}.${key}`, renderKind(value[key]), `Write logging.${key} instead.`);
    },
  },
} satisfies OptionsOf<LoggingOptions>;

export const LOGGING_SECTION = {
  logging: option(flagOr(shape(LOGGING, 'true, false or an object')), {
    see: 'logging.md',
  }),
  logRecordProcessors: listOf(
    having(['onEmit', 'forceFlush', 'shutdown'], 'a log record processor'),
    'log record processors',
  ),
} satisfies OptionsOf<LoggingSection>;

export const LOGGING_VARIABLES = {
  OTEL_LOGS_EXPORTER: {
    kind: 'list',
    choices: ['otlp', 'none'],
    meaning:
      'Destinations of log records; one that is listed and has no address gets its local default address.',
    otherwise: '`otlp` when it has an address',
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

export type LoggingValues = ValuesIn<typeof LOGGING> & ValuesOf<typeof LOGGING_VARIABLES>;

/** Decides how log lines look and where they go. */
export function resolveLogging(
  { logging }: LoggingSection,
  env: LoggingValues,
  environment: string,
  isTerminal: boolean,
): LoggingConfig {
  const chosen: LoggingOptions = typeof logging === 'object' ? logging : {};
  const decided = decideAll(LOGGING, chosen, env);
  return Object.freeze({
    ...decided,
    enabled: logging !== false,
    level: decided.level ?? (isProduction(environment) ? 'info' : 'debug'),
    format: chosen.format ?? defaultFormat(chosen, environment, isTerminal),
    formatIsChosen: chosen.format !== undefined,
    redact: frozenList(chosen.redact),
    pino: Object.freeze({ ...chosen.pino }),
  });
}

/**
 * Decides where log records go.
 *
 * @param inFile targets of a configuration file
 */
export function resolveLogs(
  options: LoggingSection & OtlpSection & LimitSection,
  env: LoggingValues & OtlpValues & LimitValues,
  inFile?: readonly OtlpTarget[],
): LogConfig {
  return Object.freeze({
    otlp: resolveOtlpTargets('logs', options, env, env.OTEL_LOGS_EXPORTER, inFile),
    batch: resolveBatch('BLRP', env),
    attributeCount: resolveLogAttributeCount(env),
    attributeValueLength: resolveLogValueLength(options, env),
    processors: frozenList(options.logRecordProcessors),
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
