import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 250;
/** No install takes longer; a lock this old belongs to a process whose id another one has by now. */
const STALE_AFTER_MS = 20 * 60_000;

/** Runs `work` while holding the lock file `path`; waits for a living owner, takes over from a dead one. */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  let waiting = false;
  while (!tryLock(path)) {
    const owner = readOwner(path);
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!waiting)
      console.log(
        `Waiting for another run${owner === undefined ? '' : ` (process ${owner})`} to install and build …`,
      );
    waiting = true;
    await pause(POLL_MS);
  }
  const release = () => rmSync(path, { force: true });
  const releaseAndEnd = () => {
    release();
    process.exit(130);
  };
  process.once('exit', release);
  process.once('SIGINT', releaseAndEnd);
  process.once('SIGTERM', releaseAndEnd);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    process.off('SIGINT', releaseAndEnd);
    process.off('SIGTERM', releaseAndEnd);
    release();
  }
}

function tryLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The process that holds the lock; undefined while it is being written or just went away. */
function readOwner(path) {
  try {
    const owner = Number(readFileSync(path, 'utf8'));
    if (Date.now() - statSync(path).mtimeMs > STALE_AFTER_MS) return -1;
    return owner > 0 ? owner : undefined;
  } catch {
    // Released between the attempt and the look: the next attempt will tell.
    return undefined;
  }
}

function isAlive(pid) {
  if (pid < 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
