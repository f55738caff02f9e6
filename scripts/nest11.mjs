// Runs the suite of behaviours on Nest 11 as its user would: the packed tarball, CommonJS, plain jest.
//
//   node scripts/nest11.mjs             pack, install, run; further arguments go to jest
//   node scripts/nest11.mjs --backends  the same for what needs a real server; scripts/backends.mjs says where those are
//   node scripts/nest11.mjs --prepare   only install what is locked, so that a later run starts at once
//   node scripts/nest11.mjs --lock      bring test/nest11's package.json and lockfile up to date with package.json
//
// Everything happens outside of the repository, or Node would find the Nest 12 of the repository by walking upwards.
// The locked packages are installed once per lockfile; the tarball is unpacked anew for each run in a folder below, from
// where it finds them. The lockfile never names the tarball, so a change of the library cannot break it.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  checkManifest,
  installApart,
  lockApart,
  mirrorLibrary,
  openRunFolder,
} from './prepare/package-apart.mjs';
import { packLibrary, unpackLibrary } from './prepare/packed-library.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const fixture = join(root, 'test/nest11');

const TOOLS = ['@opentelemetry/api', '@swc/core', '@swc/jest', 'jest', 'reflect-metadata', 'rxjs'];

/** Packs the library and unpacks it, with the suite, into a new folder below `installed`. */
function assemble(installed) {
  const folder = openRunFolder(installed);
  unpackLibrary(packLibrary(root, folder), folder);
  cpSync(join(root, 'test/e2e/behaviours'), join(folder, 'test/e2e/behaviours'), { recursive: true });
  cpSync(join(root, 'test/backends'), join(folder, 'test/backends'), { recursive: true });
  cpSync(fixture, join(folder, 'test/nest11'), { recursive: true });
  cpSync(join(fixture, 'jest.config.cjs'), join(folder, 'jest.config.cjs'));
  return folder;
}

function test(args) {
  const installed = installApart(fixture);
  const folder = assemble(installed);
  // Flags that the repository's own jest needs must not help here.
  const env = { ...process.env };
  delete env['NODE_OPTIONS'];
  const results = env['TEST_RESULTS_DIR'];
  const json =
    results === undefined ? [] : ['--json', `--outputFile=${join(results, `nest11-${process.pid}.json`)}`];
  const jest = join(installed, 'node_modules/jest/bin/jest.js');
  const { status } = spawnSync(process.execPath, [jest, '--watchman=false', ...json, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (process.env['KEEP_NEST11'] === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`kept ${folder}`);
  process.exitCode = status ?? 1;
}

const [first, ...others] = process.argv.slice(2);
// Last, because --testMatch takes whatever follows for a pattern of its own.
const withBackends = ['--runInBand', '--verbose', '--testMatch=<rootDir>/test/nest11/backends/*.spec.ts'];
try {
  if (first === '--lock') {
    lockApart(fixture, mirrorLibrary(root, fixture, TOOLS));
  } else {
    checkManifest(fixture, mirrorLibrary(root, fixture, TOOLS), 'scripts/nest11.mjs');
    if (first === '--prepare') installApart(fixture);
    else if (first === '--backends') test([...others, ...withBackends]);
    else test(first === undefined ? [] : [first, ...others]);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
