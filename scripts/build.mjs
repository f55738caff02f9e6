// Builds the library (dist/esm and dist/cjs, from one file per source in dist/modules) and the sample application, each only when
// its sources changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writePage } from './build-ui.mjs';
import { convertToCommonJs, joinModules } from './join-modules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const builders = [
  'package.json',
  'tsconfig.base.json',
  'scripts/build-ui.mjs',
  'scripts/join-modules.mjs',
  'scripts/load-on-demand.mjs',
  'scripts/merge-chunks.mjs',
  'scripts/packages-inside.json',
  'scripts/read-licenses.mjs',
];

function newestUnder(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestUnder(join(path, name))));
}

function compile(project) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

async function build({ name, project, inputs, folders, finish }) {
  // Beside the folders, not in them: some are published.
  const stamp = join(dist, `.built-${name}`);
  const newest = Math.max(...[...inputs, ...builders, project].map((path) => newestUnder(join(root, path))));
  const isThere = [stamp, ...folders.map((folder) => join(dist, folder))].every((path) => existsSync(path));
  if (isThere && statSync(stamp).mtimeMs > newest) return;
  const started = performance.now();
  for (const folder of folders) rmSync(join(dist, folder), { recursive: true, force: true });
  compile(project);
  await finish?.();
  writeFileSync(stamp, '');
  console.log(
    `built ${folders.map((folder) => `dist/${folder}`).join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}

/** What `nest add` runs after it has installed the package; the CLI loads it by require(). */
function writeSchematics(folder) {
  const description = 'Adds telemetry to the root module.';
  const schematics = { 'nest-add': { description, factory: './schematic.js#nestAdd' } };
  writeFileSync(join(folder, 'collection.json'), `${JSON.stringify({ schematics }, null, 2)}\n`);
}

await build({
  name: 'library',
  project: 'tsconfig.lib.json',
  inputs: ['lib'],
  folders: ['modules', 'esm', 'cjs'],
  finish: async () => {
    await writePage(join(dist, 'modules'));
    await joinModules(join(dist, 'modules'), join(dist, 'esm'), [
      'index.js',
      'register.js',
      'testing/index.js',
      'testing/jest.js',
      'testing/vitest.js',
      'cli/main.js',
      'cli/schematic.js',
    ]);
    await convertToCommonJs(join(dist, 'esm'), join(dist, 'cjs'));
    writeSchematics(join(dist, 'cjs/cli'));
  },
});
if (process.argv.includes('--all')) {
  await build({
    name: 'sample-app',
    project: 'sample-app/tsconfig.json',
    inputs: ['sample-app', 'lib'],
    folders: ['sample-app'],
  });
}
