// Brings the bench's own packages, the current build of the library and bench/processes into a folder outside of the
// repository: in it, Node would find further packages of Nest by walking upwards, and every variant would load them.
//
//   node bench/install.mjs          install what is locked when it is not there, build the library, keep it for `--as-is`
//   node bench/install.mjs --lock   bring package.json and the lockfile up to date with the library's dependencies
//
// The lockfile never names the library, so a change of the library cannot break it; its dependencies are mirrored.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  checkManifest,
  installApart,
  lockApart,
  openRunFolder,
  readManifest,
} from '../scripts/prepare/package-apart.mjs';
import { packLibrary, unpackLibrary } from '../scripts/prepare/packed-library.mjs';
import { withLock } from '../scripts/prepare/with-lock.mjs';
import { flag, readArguments } from './arguments.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const here = join(root, 'bench');

/** package.json as it should be: the library's dependencies, and the versions of shared tools, are the repository's. */
function mirrored() {
  const { dependencies, devDependencies } = readManifest(root);
  const own = readManifest(here);
  const shared = Object.entries(own.devDependencies).map(([name, version]) => [
    name,
    devDependencies[name] ?? version,
  ]);
  return { ...own, dependencies, devDependencies: Object.fromEntries(shared) };
}

/** Has the folder go with this process, killed or not: each run has its own, so that none changes what another one measures. */
function removeAtExit(folder) {
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
}

/**
 * A folder with what bench/processes has, in which `import 'nestjs-telemetry'` is the library as it stands; with `asIs` it is
 * the build that the last run from this checkout was made with.
 */
export async function installBench({ asIs = false } = {}) {
  checkManifest(here, mirrored(), 'bench/install.mjs');
  const installed = installApart(here);
  // Other checkouts with the same lockfile share the folder.
  const kept = join(installed, `${createHash('sha256').update(root).digest('hex').slice(0, 16)}.tgz`);
  if (asIs && !existsSync(kept)) throw new Error('--as-is: there is no build of an earlier run');
  const folder = openRunFolder(installed);
  removeAtExit(folder);
  if (asIs) {
    unpackLibrary(kept, folder);
  } else {
    const packed = await withLock(join(root, '.cache/prepare.lock'), () => packLibrary(root, folder));
    unpackLibrary(packed.path, folder);
    renameSync(packed.path, kept);
  }
  cpSync(join(here, 'processes'), folder, { recursive: true });
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (readArguments({ lock: flag() }).lock) lockApart(here, mirrored());
  else await installBench();
}
