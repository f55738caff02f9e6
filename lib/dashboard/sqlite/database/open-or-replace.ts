import { statSync } from 'node:fs';

import { warnOnce } from '../../../errors/warnings.js';
import { type Database } from './database.js';
import { classifyFailure } from './database-failure.js';
import { type Sqlite } from './load-sqlite.js';
import { ForeignDatabaseError, IN_MEMORY, openDatabase } from './open-database.js';
import { setAside } from './set-aside.js';

/** Why a file is set aside. */
export type Defect = 'damaged' | 'locked by another process' | 'of another version of nestjs-telemetry';

/**
 * The file, opened, or what takes its place: where it is damaged, locked or of another version of the store, a new one of its name;
 * where it cannot be used at all, a database in memory. Each of these is said once.
 */
export function openOrReplace(sqlite: Sqlite, file: string): Database {
  try {
    return openDatabase(sqlite, file);
  } catch (error) {
    const inode = statSync(file, { throwIfNoEntry: false })?.ino;
    const defect = defectOf(error);
    return defect === undefined
      ? openInMemory(sqlite, file, error)
      : beginAnew(sqlite, { file, inode }, defect, error);
  }
}

/** A new file in the place of that one, which is set aside. */
export function beginAnew(
  sqlite: Sqlite,
  { file, inode }: Pick<Database, 'file' | 'inode'>,
  defect: Defect,
  error: unknown,
): Database {
  try {
    const aside = setAside(file, inode);
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

/** The file, which is another one than before. Two versions of the store must not set aside each other's for ever. */
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
