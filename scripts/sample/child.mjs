// One process of the sample system: started, named in front of each line it prints, and stopped.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../../dist/sample-app/', import.meta.url));

/**
 * `ready` is what the process announces, `ended` how it ended. The process has its own group, so that Ctrl-C reaches only
 * the one who stops the system in order; and a channel whose end makes it stop when that one is killed.
 */
export function startChild({ name, entry, env, print }) {
  const child = spawn(process.execPath, [built + entry], {
    env,
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => print(name, line));
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
    );
  });
  const ready = new Promise((resolve) => {
    child.on('message', (message) => {
      if (message?.ready !== undefined) resolve(message.ready);
    });
  });
  return {
    name,
    pid: child.pid,
    ready,
    ended,
    send: (message) => {
      // A child that has just ended has no channel.
      if (child.connected) child.send(message);
    },
    signal: (signal) => child.kill(signal),
  };
}

/** Asks politely, waits at most `withinMs`, then insists. */
export async function stopChild(child, withinMs) {
  child.signal('SIGTERM');
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('late'), withinMs);
  });
  if ((await Promise.race([child.ended, late])) === 'late') child.signal('SIGKILL');
  clearTimeout(timer);
  await child.ended;
}
