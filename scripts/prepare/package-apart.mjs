// Packages of this repository that are installed outside of it, or Node would find the repository's Nest, and whatever
// of it is optional, by walking upwards. `fixture` is the folder with such a package's package.json and lockfile.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';

import { runCommand } from './run-command.mjs';

const PARTS = ['package.json', 'package-lock.json'];
const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/**
 * The fixture's package.json with the library's own dependencies, so that its lockfile covers what the tarball needs, and
 * with the repository's versions of `tools`.
 */
export function mirrorLibrary(root, fixture, tools) {
  const { dependencies, devDependencies } = readManifest(root);
  const here = readManifest(fixture);
  const same = Object.fromEntries(tools.map((name) => [name, devDependencies[name]]));
  return { ...here, dependencies, devDependencies: { ...here.devDependencies, ...same } };
}

/** Makes `manifest` the fixture's package.json, and brings its lockfile up to date with it. */
export function lockApart(fixture, manifest) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-lock-'));
  try {
    const content = `${JSON.stringify(manifest, null, 2)}\n`;
    writeFileSync(join(folder, 'package.json'), content);
    // The old lockfile is the starting point: what did not have to move does not move.
    if (existsSync(join(fixture, 'package-lock.json')))
      cpSync(join(fixture, 'package-lock.json'), join(folder, 'package-lock.json'));
    runCommand('npm', ['install', '--package-lock-only', ...QUIET], { cwd: folder });
    writeFileSync(join(fixture, 'package.json'), content);
    cpSync(join(folder, 'package-lock.json'), join(fixture, 'package-lock.json'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws when the fixture's package.json is not `manifest` any more; `script` is what mends it. */
export function checkManifest(fixture, manifest, script) {
  if (JSON.stringify(manifest) === JSON.stringify(readManifest(fixture))) return;
  throw new Error(
    `${join(fixture, 'package.json')} does not mirror package.json any more: run \`node ${script} --lock\` and commit what it changed`,
  );
}

/** Installs what the lockfile names, unless this user did that before; returns the folder with its node_modules. */
export function installApart(fixture) {
  // Not of the version of Node: nothing is compiled here, and bench/ is started with the user's as well as with ours.
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const part of PARTS) hash.update(readFileSync(join(fixture, part)));
  const name = basename(fixture);
  const base = join(tmpdir(), `nestjs-telemetry-${name}-${userInfo().username}`);
  const folder = join(base, hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  const started = performance.now();
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const partial = mkdtempSync(join(base, 'partial-'));
  for (const part of PARTS) cpSync(join(fixture, part), join(partial, part));
  try {
    installLocked(partial);
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another run was faster; its folder holds the same.
    if (!existsSync(folder)) throw error;
  }
  console.log(`installed the packages of ${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return folder;
}

/** What npm has cached of the registry may be older than the lockfile: then it asks the registry. */
function installLocked(folder) {
  try {
    runCommand('npm', ['ci', '--prefer-offline', ...QUIET], { cwd: folder, stdout: 'ignore' });
  } catch {
    runCommand('npm', ['ci', '--prefer-online', ...QUIET], { cwd: folder, stdout: 'ignore' });
  }
}

/** A new folder for one run; what is in it finds the packages of `installed` by walking upwards. */
export function openRunFolder(installed) {
  mkdirSync(join(installed, 'runs'), { recursive: true });
  return mkdtempSync(join(installed, 'runs', 'run-'));
}
