// Runs the specs of test/backends on the real servers that find-backends.mjs finds: on Nest 12, then what test/nest11/backends has of them
// on Nest 11. What is missing is skipped with its reason and how to get it, never passed. `--nest=12` or `--nest=11` runs one of the
// two; further arguments go to jest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findBackends, refuse } from './prepare/find-backends.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const backends = findBackends();
for (const [name, { path, missing }] of Object.entries(backends)) {
  console.log(path ? `${name}: ${path}` : `${name}: SKIPPED, ${missing}`);
}

/** Runs one line of Nest and returns its exit code. */
function runSpecs(script, args) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TELEMETRY_BACKENDS: JSON.stringify(backends) },
  });
  return status ?? 1;
}

const [only] = process.argv.slice(2).filter((argument) => argument.startsWith('--nest='));
const args = process.argv.slice(2).filter((argument) => argument !== only);
// What is asked for by name may exist on one of the two only.
if (only === undefined && args.length > 0) args.push('--passWithNoTests');
const lines = {
  '--nest=12': () => runSpecs('jest.mjs', ['backends', '--runInBand', '--verbose', ...args]),
  '--nest=11': () => runSpecs('nest11.mjs', ['--backends', ...args]),
};
if (only !== undefined && !Object.hasOwn(lines, only)) refuse(`${only}: say --nest=12 or --nest=11`);
const codes = (only === undefined ? Object.keys(lines) : [only]).map((line) => lines[line]());
process.exitCode = codes.find((code) => code !== 0) ?? 0;
