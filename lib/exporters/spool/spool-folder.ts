import { createHash, randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { warnOnce } from '../../errors/warnings.js';
import { codeOf } from '../export-failure.js';
import { decodeSpoolFile, encodeSpoolFile, type UnsentRequest } from './unsent-requests.js';

/** The newest unsent requests of a process are kept up to this size. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Most files of one service: an application that crashes at each start must not fill the disk. */
const MAX_FILES = 16;
const MAX_AGE_MS = 24 * 3_600_000;
/** After this time a file that a process has taken is free again: that process has ended. */
const STALE_MS = 5 * 60_000;

const WAITING = '.otlp';
const TAKEN = '.sending';

/** A file that this process has taken: other processes do not send it. */
export interface TakenFile {
  readonly requests: readonly UnsentRequest[];
  /** Deletes the file after it was sent. */
  remove(): void;
  /** Leaves the file to the next start. */
  putBack(): void;
}

/** The unsent requests of one service, in files that only the user of the process can read. */
export class SpoolFolder {
  private readonly prefix: string;

  constructor(
    private readonly folder: string,
    private readonly service: string,
  ) {
    this.prefix = `${createHash('sha256').update(service).digest('hex').slice(0, 16)}-`;
  }

  /** Writes requests into a new file, synchronously. Never throws. */
  write(requests: readonly UnsentRequest[]): void {
    const kept = newest(requests);
    if (kept.length === 0) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      this.checkOwner();
      const id = `${this.prefix}${Date.now()}-${process.pid}-${randomBytes(4).toString('hex')}`;
      const path = join(this.folder, id);
      // `wx` does not follow another user's link. Only a complete file gets its final name.
      writeFileSync(`${path}.part`, encodeSpoolFile(this.service, kept), { mode: 0o600, flag: 'wx' });
      renameSync(`${path}.part`, `${path}${WAITING}`);
      this.removeExcess();
    } catch (error) {
      warnOnce(
        'spool:write',
        `Unsent telemetry is lost, because it could not be written to ${this.folder}: ${String(error)}.`,
      );
    }
  }

  /** Takes the next waiting file; undefined when there is none. Never throws. */
  take(): TakenFile | undefined {
    try {
      this.checkOwner();
      for (const name of this.names()) {
        const taken = this.takeFile(name);
        if (taken !== undefined) return taken;
      }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        warnOnce('spool:read', `${this.folder} could not be read: ${String(error)}.`);
    }
    return undefined;
  }

  private names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.startsWith(this.prefix) && (name.endsWith(WAITING) || name.endsWith(TAKEN)))
      .sort();
  }

  private takeFile(name: string): TakenFile | undefined {
    const path = join(this.folder, name);
    const base = join(this.folder, name.slice(0, name.lastIndexOf('.')));
    const claimed = `${base}${TAKEN}`;
    try {
      const { mtimeMs, size } = statSync(path);
      if (name.endsWith(TAKEN) && Date.now() - mtimeMs < STALE_MS) return undefined;
      const written = Number(name.slice(this.prefix.length).split('-')[0]);
      if (!(Date.now() - written < MAX_AGE_MS) || size > 2 * MAX_FILE_BYTES) {
        rmSync(path);
        warnOnce('spool:old', `${name} is older than a day or too large: its telemetry is lost.`);
        return undefined;
      }
      // Of several processes, one succeeds. A stale file has this name, and gets a new time.
      if (name.endsWith(WAITING)) renameSync(path, claimed);
      utimesSync(claimed, new Date(), new Date());
    } catch (error) {
      // Another process has taken it.
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    return this.read(claimed, `${base}${WAITING}`);
  }

  private read(claimed: string, waiting: string): TakenFile | undefined {
    try {
      const requests = decodeSpoolFile(this.service, readFileSync(claimed));
      return {
        requests,
        remove: () => {
          rmSync(claimed, { force: true });
        },
        putBack: () => {
          renameSync(claimed, waiting);
        },
      };
    } catch (error) {
      rmSync(claimed, { force: true });
      warnOnce('spool:damaged', `${claimed} could not be read, its telemetry is lost: ${String(error)}.`);
      return undefined;
    }
  }

  /** Temporary folders are shared: a folder that others own or can write to is not trusted. */
  private checkOwner(): void {
    const stat = lstatSync(this.folder);
    const uid = process.getuid?.();
    const isOwn = uid === undefined || (stat.uid === uid && (stat.mode & 0o022) === 0);
    if (!stat.isDirectory() || !isOwn)
      throw new Error('it is not a folder that belongs to this user and that others cannot write to');
  }

  private removeExcess(): void {
    const names = this.names();
    for (const name of names.slice(0, Math.max(0, names.length - MAX_FILES))) {
      rmSync(join(this.folder, name), { force: true });
      warnOnce('spool:full', `More than ${MAX_FILES} files in ${this.folder}: the oldest is lost.`);
    }
  }
}

function newest(requests: readonly UnsentRequest[]): UnsentRequest[] {
  let bytes = 0;
  // Adds them up from the last to the first.
  const first = requests.findLastIndex(({ body }) => (bytes += body.byteLength) > MAX_FILE_BYTES) + 1;
  const lost = requests.slice(0, first).reduce((sum, { count }) => sum + count, 0);
  if (lost > 0)
    warnOnce(
      'spool:size',
      `${lost} items that could not be sent are lost: they exceed ${MAX_FILE_BYTES} bytes.`,
    );
  return requests.slice(first);
}
