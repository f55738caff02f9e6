import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names, addresses and log lines of users are in these files: other users must not read them. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const IGNORE_ALL = '*\n';

/**
 * Makes a folder that only its owner can use and that git ignores. A folder that this made before is
 * tightened; a folder of another origin stays as it is.
 *
 * @throws the file system's error when it cannot be made
 */
export function makePrivateFolder(folder: string): void {
  const ignore = join(folder, '.gitignore');
  if (mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER }) !== undefined) {
    // The umask has no say in what a secret is.
    chmodSync(folder, PRIVATE_FOLDER);
    writeFileSync(ignore, IGNORE_ALL);
  } else if (isOurs(ignore)) tighten(folder, PRIVATE_FOLDER);
}

/** Makes an empty file that only its owner can read, where there is none. SQLite says what is wrong otherwise. */
export function createPrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', PRIVATE_FILE));
  } catch {
    // It is there already, or cannot be made.
  }
}

/** Takes away what others may do with a database and its journal, which SQLite gives the mode of the database. */
export function tightenDatabase(file: string): void {
  for (const part of ['', '-wal', '-shm']) if (existsSync(file + part)) tighten(file + part, PRIVATE_FILE);
}

/** Windows keeps no modes: there the folder of the user protects what is in it. */
function tighten(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch {
    // It belongs to another user, who shares it knowingly: only the owner may change the mode.
  }
}

function isOurs(ignore: string): boolean {
  try {
    return readFileSync(ignore, 'utf8') === IGNORE_ALL;
  } catch {
    // Not there, so not made here.
    return false;
  }
}
