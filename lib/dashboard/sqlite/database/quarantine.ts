import { closeSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { warnOnce } from '../../../errors/warnings.js';
import { classifyFailure, type Database } from './database.js';
import { ForeignDatabaseError, IN_MEMORY, openDatabase, type Sqlite } from './open-database.js';
import { tightenDatabase } from './private-files.js';

/** Why a file is quarantined. */
export type Defect = 'damaged' | 'locked by another process' | 'of another version of nestjs-telemetry';

/**
 * The file, opened, or what takes its place: where it is damaged, locked or of another version of the store, a new one of its name;
 * where it cannot be used at all, a database in memory. Each of these is warned about once.
 */
export function openOrReplace(sqlite: Sqlite, file: string): Database {
  try {
    return openDatabase(sqlite, file);
  } catch (error) {
    const inode = statSync(file, { throwIfNoEntry: false })?.ino;
    const defect = defectOf(error);
    return defect === undefined
      ? openInMemory(sqlite, file, error)
      : recreate(sqlite, { file, inode }, defect, error);
  }
}

/** Quarantines a file and opens a new one in its place. */
export function recreate(
  sqlite: Sqlite,
  { file, inode }: Pick<Database, 'file' | 'inode'>,
  defect: Defect,
  error: unknown,
): Database {
  try {
    const aside = quarantine(file, inode);
    const where = aside === undefined ? 'another process has set it aside' : `it is now ${aside}`;
    warnOnce(
      `store:${defect}`,
      `${file} is ${defect} (${reasonOf(error)}): ${where}, and a new one is begun.`,
    );
  } catch (refused) {
    return openInMemory(sqlite, file, refused);
  }
  return openAgain(sqlite, file);
}

/** The file, which is another one than before. Two versions of the store must not quarantine each other's files for ever. */
export function openAgain(sqlite: Sqlite, file: string): Database {
  try {
    return openDatabase(sqlite, file);
  } catch (error) {
    return openInMemory(sqlite, file, error);
  }
}

/** A database in memory, because of what is wrong with the file. */
export function openInMemory(sqlite: Sqlite, file: string, error: unknown): Database {
  warnOnce(
    'store:memory',
    `What is stored for the dashboard is kept in memory and is gone when this process ends, because ${file} cannot be used: ` +
      `${reasonOf(error)}. Make room or give another file with store: { file }.`,
  );
  return openDatabase(sqlite, IN_MEMORY);
}

function defectOf(error: unknown): Defect | undefined {
  if (error instanceof ForeignDatabaseError && error.version !== undefined)
    return 'of another version of nestjs-telemetry';
  const failure = classifyFailure(error);
  if (failure === 'corrupt') return 'damaged';
  return failure === 'busy' ? 'locked by another process' : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Keep only the newest quarantined files, for inspection. */
const KEPT = 3;
/** The journal goes first: SQLite would otherwise play it into the file that takes the place. */
const PARTS = ['-wal', '-shm', ''] as const;
/** A lock that is older was left by a process that died. */
const LOCK_AGE_MS = 10_000;

/**
 * Renames a database with its journal to `<file>.corrupt-<time>` and gives the new name; undefined when another process has
 * done it already or is about to.
 *
 * @param inode which file is meant; undefined for whatever is there
 * @throws the file system's error when it cannot be renamed
 */
function quarantine(file: string, inode: number | undefined): string | undefined {
  const lock = `${file}.lock`;
  if (!takeLock(lock)) return undefined;
  try {
    if (!isSameFile(file, inode)) return undefined;
    const target = `${file}.corrupt-${new Date().toISOString().replaceAll(':', '-')}`;
    for (const part of PARTS) if (isSameFile(file + part, undefined)) renameSync(file + part, target + part);
    // A version before may have made it readable for others.
    tightenDatabase(target);
    removeOldest(file);
    return target;
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * Deletes a database with its journal; those that others have open go on until they are closed.
 *
 * @throws the file system's error when it cannot be deleted, or Error when another process is about to replace it
 */
export function removeDatabase({ file, inode }: Pick<Database, 'file' | 'inode'>): void {
  const lock = `${file}.lock`;
  if (!takeLock(lock)) throw new Error('another process is replacing it');
  try {
    if (isSameFile(file, inode)) for (const part of PARTS) rmSync(file + part, { force: true });
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Whether the file of that name is there, and the one that was opened. */
export function isSameFile(file: string, inode: number | undefined): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && (inode === undefined || found.ino === inode);
}

function takeLock(lock: string): boolean {
  const held = statSync(lock, { throwIfNoEntry: false });
  if (held !== undefined && Date.now() - held.mtimeMs > LOCK_AGE_MS) rmSync(lock, { force: true });
  try {
    closeSync(openSync(lock, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function removeOldest(file: string): void {
  const folder = dirname(file);
  const prefix = `${basename(file)}.corrupt-`;
  const aside = readdirSync(folder).filter((name) => name.startsWith(prefix) && !/-(wal|shm)$/.test(name));
  // Their names end in the time, so that their order is that of time.
  for (const name of aside.sort().slice(0, -KEPT))
    for (const part of PARTS) rmSync(join(folder, name + part), { force: true });
}
