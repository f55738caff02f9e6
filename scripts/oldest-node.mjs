// Runs what depends on the version of Node on the oldest one that package.json promises to work on (`engines`), kept in .cache: the
// specs of processes, clients and SQLite, then the behaviours on Nest 11 as its users run them. Those on Nest 12 are left out,
// for they are the same, and jest loads Nest 12 as CommonJS there; the processes of the sample system run it as it is. Arguments
// go to jest, and then nothing else is run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runCommand } from './prepare/run-command.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The executable of that Node, which npm brings when it is asked for the first time. */
function oldestNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = engines.node.replace('>=', '');
  const folder = join(root, `.cache/node-${version}`);
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const executable = join(folder, 'node_modules/node/bin', name);
  if (existsSync(executable)) return executable;
  mkdirSync(folder, { recursive: true });
  // Its install script is what puts the executable there.
  const manifest = { private: true, dependencies: { node: version }, allowScripts: { node: true } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const args = [
    'install',
    '--prefix',
    folder,
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  runCommand('npm', args, { cwd: root, stdout: 'ignore' });
  return executable;
}

const node = oldestNode();

/** Runs one script of the project and returns its exit code. */
function run(script, ...args) {
  const { status } = spawnSync(node, [join(root, 'scripts', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  return status ?? 1;
}

const args = process.argv.slice(2);
const dependOnNode =
  '/test/(e2e/(?!nest12-)|instrumentation/clients/|dashboard/(profiling|sqlite)/|metrics/)';
const patterns = args.length > 0 ? args : [dependOnNode];
const codes = [
  run('build.mjs', '--all'),
  run('jest.mjs', 'unit,e2e', ...patterns),
  args.length > 0 ? 0 : run('nest11.mjs'),
];
process.exitCode = codes.find((code) => code !== 0) ?? 0;
