import { type EnvironmentValues } from './environment-variables.constants.js';
import { isTest, isDevelopment } from './resolve-identity.js';
import { type DashboardConfig, type StoreConfig } from './telemetry-config.interface.js';
import { type TelemetryOptions } from './telemetry-options.interface.js';
import { type StoreOptions } from './store-options.interface.js';

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
