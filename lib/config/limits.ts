import type { SpanLimits } from '@opentelemetry/sdk-trace';

import {
  decide,
  option,
  type OptionsOf,
  type ValuesIn,
  type ValuesOf,
  withoutUndefined,
} from './declare-options.js';
import type { EnvironmentVariable } from './environment.js';
import { shape, wholeNumber } from './option-rules.js';

/** Limits of recorded values and of telemetry that waits to be sent. */
export interface LimitOptions {
  /**
   * Characters of a text in an attribute, or in the body of a log record; longer texts are cut. 0 for no limit.
   * Default 16384. Env `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`,
   * `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
   */
  attributeValueLength?: number;
  /**
   * Bytes that may wait in front of each exporter; more is dropped and counted.
   *
   * Applies beside the limit on items (`OTEL_BSP_MAX_QUEUE_SIZE`).
   *
   * Default 33554432 (32 MiB). Env `TELEMETRY_QUEUE_BYTES`.
   */
  queueBytes?: number;
}

/** Options for limits. */
export interface LimitSection {
  /**
   * Limits of recorded values and of telemetry that waits to be sent.
   * Default: 16384 characters for a value, 32 MiB for each exporter.
   */
  limits?: LimitOptions;
}

/** `limits`, resolved; the limits of values are part of each signal. */
export interface LimitConfig {
  /** Bytes in front of each exporter. */
  readonly queueBytes: number;
}

/** Limits of a batch processor; undefined means the default of the specification. */
export interface BatchLimits {
  readonly maxQueueSize?: number;
  readonly scheduledDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
  readonly maxExportBatchSize?: number;
}

const characters = { kind: 'integer', min: 0 } as const;

const LIMITS = {
  attributeValueLength: option(
    wholeNumber('a whole number of characters, for example 16384, or 0 for no limit', 0),
    {
      // Enough for stack traces and statements; a full queue of such values stays below the limit of bytes.
      default: 16_384,
      env: {
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: {
          ...characters,
          meaning:
            'Characters of an attribute value, unless the variable of spans or log records is set; `0` for no limit.',
        },
        OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: {
          ...characters,
          meaning: 'Characters of the body or an attribute value of a log record.',
          otherwise: '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
        },
        OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: {
          ...characters,
          meaning: 'Characters of an attribute value of a span.',
          otherwise: '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
        },
      },
    },
  ),
  queueBytes: option(wholeNumber('a whole number of bytes greater than 0, for example 33554432', 1), {
    default: 32 * 2 ** 20,
    env: { TELEMETRY_QUEUE_BYTES: { kind: 'integer', min: 1 } },
  }),
} satisfies OptionsOf<LimitOptions>;

export const LIMIT_SECTION = {
  limits: option(shape(LIMITS, 'an object of limits'), { see: 'delivery.md' }),
} satisfies OptionsOf<LimitSection>;

const count = (meaning: string, otherwise: string, min = 0) =>
  ({ kind: 'integer', min, meaning, otherwise }) as const;

/** Limits that only the environment sets, by the names of the specification. */
export const LIMIT_VARIABLES = {
  OTEL_BSP_SCHEDULE_DELAY: count('Milliseconds between two exports of spans.', '5000'),
  OTEL_BSP_EXPORT_TIMEOUT: count('Longest time for one export of spans, in milliseconds.', '30000'),
  OTEL_BSP_MAX_QUEUE_SIZE: count('Ended spans that may wait; more are dropped and counted.', '2048', 1),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: count('Spans of one export; at most the queue size.', '512', 1),
  OTEL_BLRP_SCHEDULE_DELAY: count('Milliseconds between two exports of log records.', '1000'),
  OTEL_BLRP_EXPORT_TIMEOUT: count('Longest time for one export of log records, in milliseconds.', '30000'),
  OTEL_BLRP_MAX_QUEUE_SIZE: count('Log records that may wait; more are dropped and counted.', '2048', 1),
  OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: count('Log records of one export; at most the queue size.', '512', 1),
  OTEL_ATTRIBUTE_COUNT_LIMIT: count(
    'Attributes of a span or log record, unless the variable of these is set.',
    '128',
  ),
  OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a log record.', '`OTEL_ATTRIBUTE_COUNT_LIMIT`'),
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a span.', '`OTEL_ATTRIBUTE_COUNT_LIMIT`'),
  OTEL_SPAN_EVENT_COUNT_LIMIT: count('Events of a span.', '128'),
  OTEL_SPAN_LINK_COUNT_LIMIT: count('Links of a span.', '128'),
  OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a span event.', '128'),
  OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: count('Attributes of a span link.', '128'),
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

export type LimitValues = ValuesIn<typeof LIMITS> & ValuesOf<typeof LIMIT_VARIABLES>;

/** Decides how much telemetry may wait in front of each exporter. */
export function resolveLimits({ limits }: LimitSection, env: LimitValues): LimitConfig {
  return Object.freeze({ queueBytes: decide(LIMITS.queueBytes, limits?.queueBytes, env) });
}

/** Decides how large a span may become. */
export function resolveSpanLimits(options: LimitSection, env: LimitValues): SpanLimits {
  return Object.freeze(
    withoutUndefined({
      attributeCountLimit: env.OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT ?? env.OTEL_ATTRIBUTE_COUNT_LIMIT,
      attributeValueLengthLimit: resolveValueLength(options, env, env.OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT),
      eventCountLimit: env.OTEL_SPAN_EVENT_COUNT_LIMIT,
      linkCountLimit: env.OTEL_SPAN_LINK_COUNT_LIMIT,
      attributePerEventCountLimit: env.OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
      attributePerLinkCountLimit: env.OTEL_LINK_ATTRIBUTE_COUNT_LIMIT,
    }),
  );
}

/** Decides the number of attributes of a log record. */
export function resolveLogAttributeCount(env: LimitValues): number {
  return env.OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT ?? env.OTEL_ATTRIBUTE_COUNT_LIMIT ?? 128;
}

/** Decides the characters of a text in a log record; Infinity for no limit. */
export function resolveLogValueLength(options: LimitSection, env: LimitValues): number {
  return resolveValueLength(options, env, env.OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT);
}

/** Decides how many spans (`BSP`) or log records (`BLRP`) may wait, and when they are sent. */
export function resolveBatch(processor: 'BSP' | 'BLRP', env: LimitValues): BatchLimits {
  return Object.freeze(
    withoutUndefined({
      maxQueueSize: env[`OTEL_${processor}_MAX_QUEUE_SIZE`],
      scheduledDelayMillis: env[`OTEL_${processor}_SCHEDULE_DELAY`],
      exportTimeoutMillis: env[`OTEL_${processor}_EXPORT_TIMEOUT`],
      maxExportBatchSize: env[`OTEL_${processor}_MAX_EXPORT_BATCH_SIZE`],
    }),
  );
}

/** The option wins over the variable of the signal, that over the common one. */
function resolveValueLength(
  { limits }: LimitSection,
  env: LimitValues,
  ofSignal: number | undefined,
): number {
  const length =
    limits?.attributeValueLength ??
    ofSignal ??
    env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT ??
    LIMITS.attributeValueLength.default;
  return length > 0 ? length : Infinity;
}
