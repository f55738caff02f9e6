import type { DashboardConfig } from './dashboard.js';
import { decideAll, option, type OptionsOf, type Resolved, type ValuesIn } from './declare-options.js';
import { isDevelopment, isTest } from './identity.js';
import { flag, flagOr, number, shape, text, wholeNumber } from './option-rules.js';

/** The embedded database that the dashboard shows, and how much it stores. */
export interface StoreOptions {
  /**
   * Stores telemetry.
   *
   * Default `true` where the dashboard is served without `dashboard.source`, in `development`, and where another option or variable of the store is set.
   * Env `TELEMETRY_STORE`.
   */
  enabled?: boolean;
  /**
   * SQLite file, relative to the working directory, or `:memory:`. Services of one machine may share one.
   *
   * Services that share a file are shown as one system.
   *
   * Default `.telemetry/telemetry.db`; `:memory:` in tests. Env `TELEMETRY_STORE_FILE`.
   */
  file?: string;
  /** Hours after which telemetry is deleted. Default 24. */
  maxAgeHours?: number;
  /** Size of the database in bytes, without its journal. Default 268435456 (256 MiB). */
  maxBytes?: number;
  /** Spans that are stored. Default 500000. */
  maxSpans?: number;
  /** Log lines that are stored. Default 500000. */
  maxLogs?: number;
  /** Values of metrics that are stored. Default 1000000. */
  maxPoints?: number;
}

/** Options for the store. */
export interface StoreSection {
  /**
   * The embedded database that the dashboard shows. Any option in it switches the store on in every
   * environment, unless `enabled` is `false`. Default: on where the dashboard is served, and in `development`. Env `TELEMETRY_STORE`, `TELEMETRY_STORE_FILE`.
   */
  store?: boolean | StoreOptions;
}

/** `store`, resolved. */
export interface StoreConfig extends Resolved<Omit<StoreOptions, 'enabled' | 'maxAgeHours'>> {
  readonly maxAgeMs: number;
}

/** With less, telemetry would be deleted before it is viewed. */
const MIN_BYTES = 4 * 1_024 * 1_024;
const HOUR_MS = 3_600_000;

const rows = wholeNumber('a whole number of at least 100', 100, 1e9);

const STORE = {
  enabled: option(flag, {
    env: {
      TELEMETRY_STORE: {
        kind: 'boolean',
        meaning: 'Stores telemetry in the embedded database that the dashboard shows.',
      },
    },
  }),
  file: option(text('a path, or :memory:,'), {
    env: {
      TELEMETRY_STORE_FILE: {
        kind: 'text',
        meaning: 'SQLite file of the store, or `:memory:`; switches the store on in every environment.',
      },
    },
  }),
  maxAgeHours: option(number(0.01, 1e6, 'a number of hours, for example 24'), { default: 24 }),
  maxBytes: option(wholeNumber(`a whole number of bytes of at least ${MIN_BYTES}`, MIN_BYTES, 2 ** 40), {
    default: 256 * 1_024 * 1_024,
  }),
  maxSpans: option(rows, { default: 500_000 }),
  maxLogs: option(rows, { default: 500_000 }),
  maxPoints: option(rows, { default: 1_000_000 }),
} satisfies OptionsOf<StoreOptions>;

export const STORE_SECTION = {
  store: flagOr(shape(STORE, "true, false or an object, for example { file: ':memory:' }")),
} satisfies OptionsOf<StoreSection>;

export type StoreValues = ValuesIn<typeof STORE>;

/**
 * Decides whether telemetry is stored in the embedded database, where, and how much of it.
 *
 * @param dashboard undefined when it is not served
 */
export function resolveStore(
  { store }: StoreSection,
  env: StoreValues,
  environment: string,
  dashboard: DashboardConfig | undefined,
): StoreConfig | undefined {
  const chosen: StoreOptions =
    typeof store === 'object' ? store : store === undefined ? {} : { enabled: store };
  // Most environments store nothing by default, but options of a store are a request for one.
  const isRequested =
    env.TELEMETRY_STORE_FILE !== undefined || Object.values(chosen).some((value) => value !== undefined);
  const { enabled, file, maxAgeHours, ...limits } = decideAll(STORE, chosen, env);
  const isShown =
    dashboard?.clickhouse === undefined && (dashboard !== undefined || isDevelopment(environment));
  if (!(enabled ?? (isRequested || isShown))) return undefined;
  return Object.freeze({
    file: file ?? (isTest(environment) ? ':memory:' : '.telemetry/telemetry.db'),
    maxAgeMs: maxAgeHours * HOUR_MS,
    ...limits,
  });
}
