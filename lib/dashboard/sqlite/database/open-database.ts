import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type * as sqlite from 'node:sqlite';

import { warnOnce } from '../../../errors/warnings.js';
import { classifyFailure, Database } from './database.js';
import { createPrivateFile, makePrivateFolder, tightenDatabase } from './private-files.js';
import { ADDED_COLUMNS, ADDED_TABLES, APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.js';

export type Sqlite = typeof sqlite;

/**
 * Node's SQLite, or undefined with one warning where this Node has none. Loaded when it is asked for and not before: it costs
 * memory.
 */
export function loadSqlite(): Sqlite | undefined {
  const found = withoutItsWarning(() => {
    // Older releases than the type knows of have no such function, and later ones without SQLite give nothing.
    const { getBuiltinModule } = process as Partial<Pick<NodeJS.Process, 'getBuiltinModule'>>;
    return getBuiltinModule?.('node:sqlite');
  });
  if (found === undefined)
    warnOnce(
      'store:sqlite',
      `Nothing is stored for the dashboard: this Node (${process.version}) has no node:sqlite. Run Node 22.15 or later, or ` +
        'switch the store off with store: false.',
    );
  return found;
}

/**
 * Before 24.15, Node warns that its SQLite is experimental when that is loaded. The application has not chosen to use it, and
 * the store is tested with each release.
 */
function withoutItsWarning<T>(load: () => T): T {
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  if (original === undefined) return load();
  const emitWarning = original.value as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).startsWith('SQLite is an experimental feature'))
      Reflect.apply(emitWarning, process, args);
  };
  try {
    return load();
  } finally {
    Object.defineProperty(process, 'emitWarning', original);
  }
}

export const IN_MEMORY = ':memory:';

/** At the start another process may be creating the same file; later no request waits for a lock. */
const OPEN_TIMEOUT_MS = 2_000;

/** A database that is not of this version of the store, or not of the store at all. */
export class ForeignDatabaseError extends Error {
  constructor(
    readonly file: string,
    /** undefined when it is not a database of the store. */
    readonly version: number | undefined,
  ) {
    super(
      version === undefined
        ? `${file} is a database of something else`
        : `${file} was written by another version of the store (${version}, this is ${SCHEMA_VERSION})`,
    );
  }
}

/**
 * Opens a file of the store, or begins one; its folder is made when it is missing, and then ignored by git.
 *
 * @throws ForeignDatabaseError when the file holds something else, or SQLite's error when it cannot be opened
 */
export function openDatabase(sqlite: Sqlite, given: string): Database {
  const inMemory = given === IN_MEMORY;
  const file = inMemory ? given : resolve(given);
  if (!inMemory) {
    makePrivateFolder(dirname(file));
    createPrivateFile(file);
  }
  const raw = new sqlite.DatabaseSync(file);
  try {
    raw.exec(`PRAGMA busy_timeout = ${OPEN_TIMEOUT_MS}`);
    const database = new Database(raw, file, inMemory ? undefined : statSync(file).ino);
    prepareFile(database);
    // Not before it is known to be ours.
    if (!inMemory) tightenDatabase(file);
    // Node's SQLite has it since 22.16; without, lines are looked through.
    database.hasFullText = database.get("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'") !== undefined;
    raw.exec('PRAGMA busy_timeout = 0');
    return database;
  } catch (error) {
    raw.close();
    throw error;
  }
}

/**
 * Checks a file that is to be read as it is, and never set aside.
 *
 * @throws ForeignDatabaseError when it is no file of this version of the store, or SQLite's error when it is damaged
 */
export function checkStoreFile(sqlite: Sqlite, file: string): void {
  const raw = new sqlite.DatabaseSync(file, { readOnly: true });
  try {
    checkIdentity(new Database(raw, file, undefined));
  } finally {
    raw.close();
  }
}

function prepareFile(database: Database): void {
  database.snapshot(() => {
    checkIdentity(database);
  });
  // Only an empty database takes the first; the journal mode stays in the file. Waiting for the disk (synchronous = NORMAL) would
  // block the event loop for some 10 to 30 ms every second under load; without, a killed process loses nothing, and a machine that
  // loses power may leave a file that is quarantined.
  whenNotBusy(() => {
    database.exec(`
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = OFF;
      PRAGMA journal_size_limit = 8388608;
      PRAGMA cache_size = -8192;
      PRAGMA temp_store = MEMORY;
    `);
  });
  if (isCurrent(database)) return;
  database.transaction(() => {
    // Another process may have been faster.
    checkIdentity(database);
    if (database.pragma('user_version') === 0) {
      database.exec(SCHEMA);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
    for (const table of missingTables(database)) database.exec(ADDED_TABLES[table] ?? '');
    for (const { table, column, type } of missingColumns(database))
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  });
}

function isCurrent(database: Database): boolean {
  return (
    database.pragma('user_version') === SCHEMA_VERSION &&
    missingColumns(database).length + missingTables(database).length === 0
  );
}

function missingTables(database: Database): readonly string[] {
  return Object.keys(ADDED_TABLES).filter(
    (table) =>
      database.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", table) === undefined,
  );
}

function missingColumns(database: Database) {
  return ADDED_COLUMNS.filter(
    ({ table, column }) =>
      database.get('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, column) === undefined,
  );
}

/** SQLite does not wait where two processes that set the journal mode would wait for each other: one has to begin again. */
function whenNotBusy(work: () => void): void {
  const until = performance.now() + OPEN_TIMEOUT_MS;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if (classifyFailure(error) !== 'busy' || performance.now() >= until) throw error;
    }
  }
}

/** To be used within one snapshot or transaction: another process may be making the file meanwhile. */
function checkIdentity(database: Database): void {
  const isOurs = database.pragma('application_id') === APPLICATION_ID;
  const version = database.pragma('user_version');
  if (isOurs && version !== SCHEMA_VERSION) throw new ForeignDatabaseError(database.file, version);
  if (!isOurs && (version !== 0 || database.get('SELECT 1 FROM sqlite_schema') !== undefined))
    throw new ForeignDatabaseError(database.file, undefined);
}
