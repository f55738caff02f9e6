import { closeSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { tightenDatabase } from './private-files.js';

/** Of files that were set aside, the newest stay for a look; the others would fill the disk. */
const KEPT = 3;
/** The journal goes first: SQLite would otherwise play it into the file that takes the place. */
const PARTS = ['-wal', '-shm', ''] as const;
/** Whoever holds the lock for longer has died with it. */
const LOCK_AGE_MS = 10_000;

/**
 * Renames a database with its journal to `<file>.corrupt-<time>` and gives the new name; undefined when another process has
 * done it already or is about to.
 *
 * @param inode which file is meant; undefined for whatever is there
 * @throws the file system's error when it cannot be renamed
 */
export function setAside(file: string, inode: number | undefined): string | undefined {
  const lock = `${file}.lock`;
  if (!takeLock(lock)) return undefined;
  try {
    if (!isStill(file, inode)) return undefined;
    const target = `${file}.corrupt-${new Date().toISOString().replaceAll(':', '-')}`;
    for (const part of PARTS) if (isStill(file + part, undefined)) renameSync(file + part, target + part);
    // A version before may have made it readable for others.
    tightenDatabase(target);
    removeOldest(file);
    return target;
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Whether the file of that name is there, and the one that was opened. */
export function isStill(file: string, inode: number | undefined): boolean {
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
