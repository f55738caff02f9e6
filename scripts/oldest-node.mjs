// Runs what depends on the version of Node on the oldest one that package.json promises to work on (`engines`), kept in .cache: the
// specs of processes that start and end, clients and SQLite, then the behaviours on Nest 11 as its users run them. The
// processes of the sample system run Nest 12. Arguments go to jest, and then nothing else is run.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { nodeRelease } from './prepare/node-release.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const node = nodeRelease(root, engines.node.replace('>=', ''));

/** Runs one script of the project and returns its exit code. */
function run(script, ...args) {
  const { status } = spawnSync(node, [join(root, 'scripts', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  return status ?? 1;
}

const args = process.argv.slice(2);
const dependOnNode = [
  '/test/e2e/(es-module-clients|process-end|register|sample-app|short-lived|standalone-page|store-kill)',
  '/test/instrumentation/clients/',
  '/test/dashboard/(profiling|sqlite)/',
  '/test/metrics/',
];
const patterns = args.length > 0 ? args : dependOnNode;
const codes = [
  run('build.mjs', '--all'),
  run('jest.mjs', 'unit,e2e', ...patterns),
  args.length > 0 ? 0 : run('nest11.mjs'),
];
process.exitCode = codes.find((code) => code !== 0) ?? 0;
