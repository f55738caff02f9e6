import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { warnOnce } from '../../errors/warnings.js';
import { makePrivateFolder } from '../sqlite/database/private-files.js';

/** Beside the database: services that share the database share the token. */
const FILE_NAME = 'dashboard-token';
/** 192 bits: 32 characters of base64url. */
const TOKEN_BYTES = 24;
const TOKEN = /^[\w-]{32}$/;
const OTHERS = 0o077;
/** Tokens of this process only, by folder, where the file cannot be used. */
const unsaved = new Map<string, string>();

/**
 * Returns the token that visitors of the dashboard need when none is configured. It is kept in the file `dashboard-token` beside the
 * database, so that it survives restarts. Where that file cannot be used, the token lasts as long as the process. Never throws.
 *
 * @param storeFile path of the database, or `:memory:`
 */
export function sessionToken(storeFile: string): string {
  if (storeFile === ':memory:') return unsavedToken(storeFile);
  const folder = dirname(storeFile);
  try {
    return readToken(folder) ?? saveToken(folder);
  } catch (error) {
    warnOnce(
      `dashboard:token:${folder}`,
      `The dashboard's token cannot be kept in ${join(folder, FILE_NAME)}: ${(error as Error).message}. ` +
        'It changes with the next start. Make the folder writable, or set dashboard.token.',
    );
    return unsavedToken(folder);
  }
}

const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

function unsavedToken(folder: string): string {
  const token = unsaved.get(folder) ?? newToken();
  unsaved.set(folder, token);
  return token;
}

/** Returns undefined where there is none yet, and where other users could have read or written it. */
function readToken(folder: string): string | undefined {
  let file: number;
  try {
    // O_NOFOLLOW is undefined on Windows, which `|` treats as 0.
    file = openSync(join(folder, FILE_NAME), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ELOOP') return undefined;
    throw error;
  }
  try {
    if (!isPrivate(fstatSync(file))) return undefined;
    const text = readFileSync(file, 'utf8').trim();
    return TOKEN.test(text) ? text : undefined;
  } finally {
    closeSync(file);
  }
}

/** Windows has no file modes: the folder of the user protects the file there. */
function isPrivate(stats: Stats): boolean {
  if (!stats.isFile()) return false;
  if (process.platform === 'win32') return true;
  return (stats.mode & OTHERS) === 0 && stats.uid === process.geteuid?.();
}

/** Processes that start at the same time all use the token of the first. */
function saveToken(folder: string): string {
  makePrivateFolder(folder);
  const target = join(folder, FILE_NAME);
  const token = newToken();
  const draft = `${target}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${token}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // A umask may have removed the owner's rights.
    chmodSync(draft, 0o600);
    if (publish(draft, target)) return token;
    const other = readToken(folder);
    // Other users could read the existing file, or it has no token: replace it.
    if (other === undefined) renameSync(draft, target);
    return other ?? token;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Returns false where the file exists. Linking is atomic: no process reads half a token. */
function publish(draft: string, target: string): boolean {
  try {
    linkSync(draft, target);
  } catch {
    // Some file systems have no links.
    if (existsSync(target)) return false;
    renameSync(draft, target);
  }
  return true;
}
