import { spawnSync } from 'node:child_process';

/** No command takes this long, also on a machine that is busy with other work; one that hangs does. */
const HANGS_AFTER_MS = 15 * 60_000;

/** There npm is a script of the shell. */
const needsShell = (command) => process.platform === 'win32' && command === 'npm';

/** Runs a command to its end and returns what it wrote to `stdout` where that is a pipe. Throws when it fails. */
export function runCommand(command, args, { cwd, env = process.env, stdout = 'inherit' }) {
  const result = spawnSync(command, args, {
    cwd,
    env,
    stdio: ['ignore', stdout, 'inherit'],
    shell: needsShell(command),
  });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${endOf(result)})`);
  return result.stdout?.toString() ?? '';
}

/** Runs a command to its end and returns what it printed, and its `status`, for the caller to judge. */
export function tryCommand(command, args, { cwd, env = process.env, timeout = HANGS_AFTER_MS }) {
  const result = spawnSync(command, args, {
    cwd,
    env,
    timeout,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    shell: needsShell(command),
  });
  return { ...result, output: `${result.stdout}${result.stderr}` };
}

/** As `tryCommand()`. Throws when the command fails, with all that it printed. */
export function captureCommand(command, args, options) {
  const result = tryCommand(command, args, options);
  if (result.status === 0) return result;
  throw new Error(`${command} ${args.slice(0, 2).join(' ')}… failed (${endOf(result)})\n${result.output}`);
}

function endOf({ error, signal, status }) {
  return error?.message ?? (signal ? `killed by ${signal}` : `exit code ${status}`);
}
