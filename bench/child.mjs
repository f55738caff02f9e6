// A child process of the bench that answers commands over IPC.
import { fork } from 'node:child_process';
import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { pinnedNode } from '../scripts/prepare/pinned-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const discarded = openSync(devNull, 'w');

/** Starts `script` of a folder that `installBench` made, with the Node the repository pins by default; its standard output goes nowhere. */
export function startChild(folder, script, { args = [], env = {}, node, nodeOptions = [] } = {}) {
  const child = fork(join(folder, script), args, {
    // What is resolved from the working directory must not find the repository either.
    cwd: folder,
    execPath: node ?? pinnedNode(root),
    // Profiles and reports that Node is told to write would go with the folder.
    execArgv: [`--diagnostic-dir=${process.cwd()}`, ...nodeOptions],
    env: { ...process.env, ...env },
    stdio: ['ignore', discarded, 'inherit', 'ipc'],
  });
  const waiting = new Map();
  let failure;
  child.on('message', (message) => {
    waiting.get(message.command)?.resolve(message);
    waiting.delete(message.command);
  });
  child.once('exit', (code) => {
    failure = new Error(`${script} ${args.join(' ')} ended early with code ${code}`);
    for (const { reject } of waiting.values()) reject(failure);
  });
  const answer = (command) =>
    failure === undefined
      ? new Promise((resolve, reject) => waiting.set(command, { resolve, reject }))
      : Promise.reject(failure);
  return {
    /** The next message about `command` that comes unasked. */
    answer,
    ask: (command, options = {}) => {
      const answered = answer(command);
      if (failure === undefined) child.send({ command, ...options });
      return answered;
    },
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        waiting.clear();
        child.once('exit', resolve);
        child.disconnect();
        setTimeout(() => child.kill('SIGKILL'), 3_000).unref();
      }),
  };
}
