import { spawnSync } from 'node:child_process';

/** Runs a command to its end and returns what it wrote to `stdout` where that is a pipe. Throws when it fails. */
export function runCommand(command, args, { cwd, stdout = 'inherit' }) {
  const result = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', stdout, 'inherit'],
    // There npm is a script of the shell.
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (result.status !== 0) {
    const why = result.error?.message ?? `exit code ${result.status}`;
    throw new Error(`${command} ${args.join(' ')} failed (${why})`);
  }
  return result.stdout?.toString() ?? '';
}
