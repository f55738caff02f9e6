import { type RulesOf, either, flag, number, shape, text } from './option-rules.js';
import type { EnvironmentValues } from './environment-variables.constants.js';
import { isDevelopment, isTest } from './identity.js';
import type { DashboardConfig, StoreConfig } from './telemetry-config.interface.js';
import type { TelemetryOptions } from './telemetry-options.interface.js';

/** The embedded database that the dashboard shows, and how much it keeps. */
export interface StoreOptions {
  /**
   * Whether telemetry is kept. Default: true where the dashboard is served, in `development`, and
   * in every environment where another setting of the store is given. Env `TELEMETRY_STORE`.
   */
  enabled?: boolean;
  /**
   * SQLite file, from the working directory, or `:memory:`. Several services of one machine may share one: then they are one system.
   * Default `.telemetry/telemetry.db`, in tests `:memory:`. Env `TELEMETRY_STORE_FILE`.
   */
  file?: string;
  /** Hours after which telemetry is deleted. Default 24. */
  maxAgeHours?: number;
  /** Size of the database in bytes, without its journal. Default 268435456 (256 MiB). */
  maxBytes?: number;
  /** Default 500000. */
  maxSpans?: number;
  /** Log lines. Default 500000. */
  maxLogs?: number;
  /** Values of metrics. Default 1000000. */
  maxPoints?: number;
}

/** Less would be gone before anybody has looked. */
const MIN_BYTES = 4 * 1_024 * 1_024;

const rows = number(100, 1e9, 'a whole number of at least 100', true);

const storeRules: RulesOf<StoreOptions> = {
  enabled: flag,
  file: text('a path, or :memory:,'),
  maxAgeHours: number(0.01, 1e6, 'a number of hours, for example 24'),
  maxBytes: number(MIN_BYTES, 2 ** 40, `a whole number of bytes of at least ${MIN_BYTES}`, true),
  maxSpans: rows,
  maxLogs: rows,
  maxPoints: rows,
};

/** What `store` may be. */
export const STORE_RULE = either(
  (value) => typeof value === 'boolean',
  flag,
  shape(storeRules, "true, false or an object, for example { file: ':memory:' }"),
);

const HOUR_MS = 3_600_000;

/**
 * Decides whether telemetry is kept in the embedded database, where, and how much of it.
 *
 * @param dashboard undefined when it is not served
 */
export function resolveStore(
  { store: option }: Pick<TelemetryOptions, 'store'>,
  env: EnvironmentValues,
  environment: string,
  dashboard: DashboardConfig | undefined,
): StoreConfig | undefined {
  const chosen: StoreOptions =
    typeof option === 'object' ? option : option === undefined ? {} : { enabled: option };
  // Most environments keep nothing by default, but settings of a store are a request for one.
  const isRequested =
    env.TELEMETRY_STORE_FILE !== undefined || Object.values(chosen).some((setting) => setting !== undefined);
  const enabled =
    chosen.enabled ??
    env.TELEMETRY_STORE ??
    (isRequested || dashboard !== undefined || isDevelopment(environment));
  if (!enabled) return undefined;
  return Object.freeze({
    file:
      chosen.file ??
      env.TELEMETRY_STORE_FILE ??
      (isTest(environment) ? ':memory:' : '.telemetry/telemetry.db'),
    maxAgeMs: (chosen.maxAgeHours ?? 24) * HOUR_MS,
    maxBytes: chosen.maxBytes ?? 256 * 1_024 * 1_024,
    maxSpans: chosen.maxSpans ?? 500_000,
    maxLogs: chosen.maxLogs ?? 500_000,
    maxPoints: chosen.maxPoints ?? 1_000_000,
  });
}
