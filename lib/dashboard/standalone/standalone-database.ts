import { type DashboardConfig } from '../../config/dashboard.js';
import { type StoreConfig } from '../../config/store.js';
import { clickHousePartsOf, dashboardPartsOf } from '../dashboard.js';
import { type DashboardParts } from '../dashboard-context.interface.js';
import { checkStoreFile, IN_MEMORY, loadSqlite } from '../sqlite/database/open-database.js';
import { openStore, type TelemetryStore } from '../sqlite/store.js';

/** What a process shows that records nothing itself. */
export interface StandaloneDatabase {
  readonly dashboard: DashboardConfig;
  /** Not used where the configuration of the dashboard names another database. */
  readonly store: StoreConfig | undefined;
}

interface OpenDatabase {
  readonly parts: Omit<DashboardParts, 'config' | 'token'>;
  /** Writes what waits. */
  close(): Promise<void>;
}

const NOTHING_OF_THIS_PROCESS = {
  running: () => [],
  process: undefined,
  notProfiled:
    'This process only shows what is stored: choose a process above that has the same file open, to profile that one.',
  instrumentations: () => [],
  libraries: () => [],
};

/**
 * Opens the file, or prepares to ask the ClickHouse.
 *
 * @param isWritten telemetry will be stored in the file
 * @throws Error where the file cannot be shown, or this Node has no SQLite
 */
export function openDatabaseBehind(
  { dashboard: { clickhouse }, store: config }: StandaloneDatabase,
  isWritten: boolean,
): OpenDatabase {
  if (clickhouse !== undefined)
    return {
      parts: { ...clickHousePartsOf(clickhouse), ...NOTHING_OF_THIS_PROCESS },
      close: () => Promise.resolve(),
    };
  if (config === undefined) throw new Error('There is neither a file nor a ClickHouse to show.');
  const store = openFile(config, isWritten);
  return { parts: { ...dashboardPartsOf(store), ...NOTHING_OF_THIS_PROCESS }, close: () => store.close() };
}

/** A file of another version is telemetry that someone may want: opening it for storing would set it aside. */
function openFile(config: StoreConfig, isWritten: boolean): TelemetryStore {
  const { file } = config;
  const sqlite = loadSqlite();
  if (sqlite !== undefined && !isWritten && file !== IN_MEMORY) {
    try {
      checkStoreFile(sqlite, file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${file} cannot be shown: ${reason}. Use the version of nestjs-telemetry that the application has.`,
        { cause: error },
      );
    }
  }
  const store = openStore(config);
  if (store === undefined)
    throw new Error(`${file} cannot be opened: node:sqlite is not usable in Node ${process.version}.`);
  return store;
}
