import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { type DashboardConfig, type DashboardOptions } from '../config/dashboard.js';
import { resolveConfig } from '../config/resolve-config.js';
import { type StoreConfig, type StoreOptions } from '../config/store.js';
import { UsageError } from './usage-error.js';

/** Options of the commands that show what is stored. */
export const DATABASE_OPTIONS = { file: { type: 'string' }, clickhouse: { type: 'string' } } as const;

/** Bounds that are never reached: the application that writes a file evicts from it, and not a process that only reads. */
const NO_BOUNDS = { maxAgeHours: 1e6, maxBytes: 2 ** 40, maxSpans: 1e9, maxLogs: 1e9, maxPoints: 1e9 };

interface Database {
  readonly file: string | undefined;
  readonly clickhouse: string | undefined;
}

interface Use {
  readonly dashboard?: DashboardOptions;
  /** Bounds of what will be stored in the file, which may not exist yet; undefined: the file is only read. */
  readonly bounds?: StoreOptions | undefined;
}

/**
 * Decides by the rules of the module's options what a command shows.
 *
 * @throws TelemetryError or UsageError for wrong options, Error where the file is missing
 */
export function configureDatabase(
  command: string,
  { file, clickhouse }: Database,
  { dashboard: options = {}, bounds }: Use = {},
): {
  readonly dashboard: DashboardConfig;
  /** undefined where a ClickHouse is shown. */
  readonly store: StoreConfig | undefined;
} {
  if (clickhouse !== undefined && file !== undefined)
    throw new UsageError('--clickhouse shows what a Collector stores: leave --file and --otlp out.', command);
  const isStored = file !== undefined || bounds !== undefined;
  const { dashboard, store } = resolveConfig(
    {
      serviceName: 'dashboard',
      serviceVersion: '0',
      environment: 'development',
      dashboard: {
        ...options,
        ...(clickhouse !== undefined && { source: { clickhouse: { url: clickhouse } } }),
      },
      store: { ...(file !== undefined && { file }), ...(bounds ?? NO_BOUNDS) },
    },
    { env: variablesFor(isStored), setIn: `nestjs-telemetry ${command}` },
  );
  if (dashboard === undefined || store === undefined) throw new Error('The dashboard is switched off.');
  if (dashboard.clickhouse !== undefined) return { dashboard, store: undefined };
  if (bounds === undefined && store.file !== ':memory:' && !existsSync(store.file))
    throw new Error(
      `There is no store at ${resolve(store.file)}. Start an application with a store there, name its file with --file, ` +
        'or receive telemetry with "nestjs-telemetry dashboard --otlp".',
    );
  return { dashboard, store };
}

/** The variables that have to do with it. A file or OTLP in the command wins over a ClickHouse in the environment. */
function variablesFor(isStored: boolean): NodeJS.ProcessEnv {
  const wanted = isStored
    ? /^TELEMETRY_(?:DASHBOARD_TOKEN|STORE_FILE)$/
    : /^TELEMETRY_(?:DASHBOARD_TOKEN|STORE_FILE|CLICKHOUSE_\w+)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}
