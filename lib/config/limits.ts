import type { EnvironmentValues } from './environment-variables.constants.js';
import type { TelemetryConfig } from './telemetry-config.interface.js';
import type { TelemetryOptions } from './telemetry-options.interface.js';

const QUEUE_BYTES = 32 * 2 ** 20;
/** Long enough for stack traces and statements; a full queue of such values stays below the bound of bytes. */
const ATTRIBUTE_VALUE_LENGTH = 16_384;

/** Decides how much telemetry may wait in front of each exporter. */
export function resolveLimits(
  { limits }: TelemetryOptions,
  env: EnvironmentValues,
): TelemetryConfig['limits'] {
  return Object.freeze({ queueBytes: limits?.queueBytes ?? env.TELEMETRY_QUEUE_BYTES ?? QUEUE_BYTES });
}

/** Characters of a text in an attribute: the option, else the variable of the signal, else the common one; Infinity for no limit. */
export function resolveValueLength(
  { limits }: TelemetryOptions,
  env: EnvironmentValues,
  ofSignal: number | undefined,
): number {
  const length =
    limits?.attributeValueLength ??
    ofSignal ??
    env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT ??
    ATTRIBUTE_VALUE_LENGTH;
  return length > 0 ? length : Infinity;
}

/** The same object without keys whose value is undefined, so that spreading it never erases a default. */
export function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  // Object.fromEntries forgets the keys' types; only undefined values were removed.
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
