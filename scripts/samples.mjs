// Runs the applications of test/samples with and without the packed tarball, as its user would: Nest 11, CommonJS, plain jest.
//
//   node scripts/samples.mjs            pack, install, run; further arguments go to jest
//   node scripts/samples.mjs --lock     bring test/samples' package.json and lockfile up to date with package.json
//
// Everything happens outside of the repository, as in scripts/nest11.mjs. MariaDB and Redis are found as
// scripts/backends.mjs finds them; what is missing is skipped with its reason.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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
const fixture = join(root, 'test/samples');
const TOOLS = ['@opentelemetry/api', '@swc/core', 'jest', 'reflect-metadata', 'rxjs'];

/** Packs the library, unpacks it, and compiles the samples beside it: they run in processes of their own, without jest. */
function assemble(installed) {
  const folder = openRunFolder(installed);
  unpackLibrary(packLibrary(root, folder), folder);
  const { transformSync } = createRequire(join(installed, 'package.json'))('@swc/core');
  const samples = join(folder, 'samples');
  mkdirSync(samples);
  for (const file of readdirSync(fixture)) {
    if (!file.endsWith('.ts')) continue;
    const { code } = transformSync(readFileSync(join(fixture, file), 'utf8'), {
      filename: file,
      module: { type: 'commonjs' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
    });
    writeFileSync(join(samples, file.replace(/\.ts$/, '.js')), code);
  }
  cpSync(join(fixture, 'files'), join(samples, 'files'), { recursive: true });
  cpSync(join(fixture, 'jest.config.cjs'), join(folder, 'jest.config.cjs'));
  return folder;
}

function test(args) {
  const installed = installApart(fixture);
  const folder = assemble(installed);
  const env = { ...process.env };
  delete env['NODE_OPTIONS'];
  const results = env['TEST_RESULTS_DIR'];
  const json =
    results === undefined ? [] : ['--json', `--outputFile=${join(results, `samples-${process.pid}.json`)}`];
  const jest = join(installed, 'node_modules/jest/bin/jest.js');
  const { status } = spawnSync(
    process.execPath,
    [jest, '--watchman=false', '--runInBand', '--verbose', ...json, ...args],
    { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (process.env['KEEP_SAMPLES'] === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`kept ${folder}`);
  process.exitCode = status ?? 1;
}

const args = process.argv.slice(2);
try {
  const manifest = mirrorLibrary(root, fixture, TOOLS);
  if (args[0] === '--lock') {
    lockApart(fixture, manifest);
  } else {
    checkManifest(fixture, manifest, 'scripts/samples.mjs');
    test(args);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
