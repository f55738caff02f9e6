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

import { isError } from '../../errors/is-error.js';
import { warnOnce } from '../../errors/warnings.js';
import { type UnsentRequest, decodeSpoolFile, encodeSpoolFile } from './unsent-requests.js';

/** Of what a process could not send, the newest requests are kept up to this size. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Files of one service: an application that fails at each start must not fill the disk. */
const MAX_FILES = 16;
const MAX_AGE_MS = 24 * 3_600_000;
/** A file that a process has taken to send it, and that is still there after this time, is free again: that process is gone. */
const STALE_MS = 5 * 60_000;

const WAITING = '.otlp';
const TAKEN = '.sending';

/** A file that this process has taken: no other process sends it. */
export interface TakenFile {
  readonly requests: readonly UnsentRequest[];
  /** It was sent. */
  remove(): void;
  /** It could not be sent: the next start tries again. */
  putBack(): void;
}

/** The files of one service in which processes leave what they could not send. Only the user they run as may read them. */
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
      // `wx` follows no link that somebody else has put there; only a complete file gets the name that is looked for.
      writeFileSync(`${path}.part`, encodeSpoolFile(this.service, kept), { mode: 0o600, flag: 'wx' });
      renameSync(`${path}.part`, `${path}${WAITING}`);
      this.removeExcess();
    } catch (error) {
      warnOnce(
        'spool:write',
        `What could not be sent is lost, it could not be written to ${this.folder}: ${String(error)}.`,
      );
    }
  }

  /** Takes the next file that waits to be sent; undefined when there is none. Never throws. */
  take(): TakenFile | undefined {
    try {
      this.checkOwner();
      for (const name of this.names()) {
        const taken = this.takeFile(name);
        if (taken !== undefined) return taken;
      }
    } catch (error) {
      if (!isMissing(error)) warnOnce('spool:read', `${this.folder} could not be read: ${String(error)}.`);
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
        warnOnce('spool:old', `${name} is older than a day or too large: what is in it is lost.`);
        return undefined;
      }
      // Of several processes that start at once, one succeeds. A stale one has this name already: it is renewed below.
      if (name.endsWith(WAITING)) renameSync(path, claimed);
      utimesSync(claimed, new Date(), new Date());
    } catch (error) {
      // Another process was quicker.
      if (isMissing(error)) return undefined;
      throw error;
    }
    return this.read(claimed, base);
  }

  private read(claimed: string, base: string): TakenFile | undefined {
    try {
      const requests = decodeSpoolFile(this.service, readFileSync(claimed));
      return {
        requests,
        remove: () => {
          rmSync(claimed, { force: true });
        },
        putBack: () => {
          renameSync(claimed, `${base}${WAITING}`);
        },
      };
    } catch (error) {
      rmSync(claimed, { force: true });
      warnOnce('spool:damaged', `${claimed} could not be read, what is in it is lost: ${String(error)}.`);
      return undefined;
    }
  }

  /** Somebody else's folder, or one that others may write into, could be a trap: temporary folders belong to everybody. */
  private checkOwner(): void {
    const stat = lstatSync(this.folder);
    const uid = process.getuid?.();
    const isOwn = uid === undefined || (stat.uid === uid && (stat.mode & 0o022) === 0);
    if (!stat.isDirectory() || !isOwn)
      throw new Error('it is not a folder of this user that nobody else can write into');
  }

  private removeExcess(): void {
    const names = this.names();
    for (const name of names.slice(0, Math.max(0, names.length - MAX_FILES))) {
      rmSync(join(this.folder, name), { force: true });
      warnOnce(
        'spool:full',
        `More than ${MAX_FILES} files in ${this.folder}: what is in the oldest is lost.`,
      );
    }
  }
}

function newest(requests: readonly UnsentRequest[]): UnsentRequest[] {
  const kept: UnsentRequest[] = [];
  let bytes = 0;
  for (const request of [...requests].reverse()) {
    bytes += request.body.byteLength;
    if (bytes > MAX_FILE_BYTES) break;
    kept.unshift(request);
  }
  const lost = requests.slice(0, requests.length - kept.length).reduce((sum, { count }) => sum + count, 0);
  if (lost > 0)
    warnOnce(
      'spool:size',
      `${lost} items that could not be sent are lost: they exceed ${MAX_FILE_BYTES} bytes.`,
    );
  return kept;
}

function isMissing(error: unknown): boolean {
  return isError(error) && 'code' in error && error.code === 'ENOENT';
}
