// Builds the library twice (dist/esm and dist/cjs) and the sample application, each only when its sources changed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writePage } from './build-ui.mjs';
import { joinModules } from './join-modules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** What the build is made by, beside this file. */
const builders = ['scripts/build-ui.mjs', 'scripts/join-modules.mjs'];

function newestUnder(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestUnder(join(path, name))));
}

async function build({ name, project, inputs, packageType, joined }) {
  const out = join(root, 'dist', name);
  // Beside the folder, not in it: the folder is what is published.
  const stamp = join(root, 'dist', `.built-${name}`);
  const newest = Math.max(
    ...[...inputs, project, 'tsconfig.base.json', 'package.json', ...builders].map((path) =>
      newestUnder(join(root, path)),
    ),
  );
  if (existsSync(out) && existsSync(stamp) && statSync(stamp).mtimeMs > newest) return;
  const started = performance.now();
  rmSync(out, { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  mkdirSync(out, { recursive: true });
  if (packageType) writeFileSync(join(out, 'package.json'), `{"type":"${packageType}"}\n`);
  if (packageType) await writePage(out, packageType);
  if (joined) await joinModules(out, joined);
  writeFileSync(stamp, '');
  console.log(`built dist/${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

await build({
  name: 'esm',
  project: 'tsconfig.esm.json',
  inputs: ['lib'],
  packageType: 'module',
  joined: ['index.js', 'register.js', 'testing/index.js'],
});
await build({ name: 'cjs', project: 'tsconfig.cjs.json', inputs: ['lib'], packageType: 'commonjs' });
if (process.argv.includes('--all')) {
  await build({ name: 'sample-app', project: 'sample-app/tsconfig.json', inputs: ['sample-app', 'lib'] });
}
