import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const GIVE_UP_AFTER_MS = 60_000;
const RETRY_AFTER_MS = 100;

/**
 * Resolves when `check` does, which is tried again and again: all processes start at the same time, and none answers
 * before what it leans on does. @throws Error naming `dependency` after a minute
 */
export async function waitForDependency(dependency: string, check: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    try {
      await check();
      return;
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`${dependency} cannot be reached`, { cause });
      await pause(RETRY_AFTER_MS);
    }
  }
}

/** Resolves when something listens at `url`. A bare connection: a request would leave a trace. */
export async function connectOnce(url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
