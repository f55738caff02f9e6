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
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const fixture = join(root, 'test/nest11');
const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

function run(command, args, { cwd, stdio = ['ignore', 'inherit', 'inherit'], ...options }) {
  const result = spawnSync(command, args, { cwd, stdio, shell: process.platform === 'win32', ...options });
  if (result.status !== 0) {
    console.error(
      `${command} ${args.join(' ')} failed (${result.error?.message ?? `exit code ${result.status}`})`,
    );
    process.exit(1);
  }
  return result.stdout?.toString() ?? '';
}

function readPackage(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/**
 * `dependencies` of the fixture mirror the library's own, so that its lockfile covers what the tarball needs; its tools
 * are those of the repository.
 */
function mirrored() {
  const { dependencies, devDependencies, overrides } = readPackage(root);
  const here = readPackage(fixture);
  const tools = ['@opentelemetry/api', '@swc/core', '@swc/jest', 'jest', 'reflect-metadata', 'rxjs'];
  const same = Object.fromEntries(tools.map((name) => [name, devDependencies[name]]));
  // Overrides of what is not installed here would be ignored; npm wants none that name an alias it does not know.
  const known = { ...overrides };
  delete known['otlp-ref'];
  delete known.typeorm;
  return { ...here, dependencies, devDependencies: { ...here.devDependencies, ...same }, overrides: known };
}

function lock() {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-lock-'));
  try {
    const content = `${JSON.stringify(mirrored(), null, 2)}\n`;
    writeFileSync(join(folder, 'package.json'), content);
    // The old lockfile is the starting point: what did not have to move does not move.
    if (existsSync(join(fixture, 'package-lock.json')))
      cpSync(join(fixture, 'package-lock.json'), join(folder, 'package-lock.json'));
    run('npm', ['install', '--package-lock-only', ...quiet], { cwd: folder });
    writeFileSync(join(fixture, 'package.json'), content);
    cpSync(join(folder, 'package-lock.json'), join(fixture, 'package-lock.json'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkMirror() {
  if (JSON.stringify(mirrored()) === JSON.stringify(readPackage(fixture))) return;
  console.error(
    'test/nest11/package.json does not mirror package.json any more: run `node scripts/nest11.mjs --lock` and commit what it changed',
  );
  process.exit(1);
}

/** Installs what the lockfile names, unless that was done before; returns the folder with its node_modules. */
function install() {
  const hash = createHash('sha256');
  for (const part of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(fixture, part)));
  hash.update(`${process.version} ${process.platform} ${process.arch}`);
  const base = join(tmpdir(), `nestjs-telemetry-nest11-${userInfo().username}`);
  const folder = join(base, hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  const started = performance.now();
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const partial = mkdtempSync(join(base, 'partial-'));
  for (const part of ['package.json', 'package-lock.json']) cpSync(join(fixture, part), join(partial, part));
  run('npm', ['ci', '--prefer-offline', ...quiet], {
    cwd: partial,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another run was faster; its folder holds the same.
    if (!existsSync(folder)) throw error;
    rmSync(partial, { recursive: true, force: true });
  }
  console.log(`installed Nest 11 in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return folder;
}

/** Packs the library and unpacks it, with the suite, into a new folder below `installed`. */
function assemble(installed) {
  mkdirSync(join(installed, 'runs'), { recursive: true });
  const folder = mkdtempSync(join(installed, 'runs', 'run-'));
  run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const unpacked = join(folder, 'node_modules/nestjs-telemetry');
  mkdirSync(unpacked, { recursive: true });
  run('tar', ['-xzf', join(folder, basename(filename)), '--strip-components=1', '-C', unpacked], {
    cwd: folder,
  });
  cpSync(join(root, 'test/e2e/behaviours'), join(folder, 'test/e2e/behaviours'), { recursive: true });
  cpSync(join(root, 'test/backends'), join(folder, 'test/backends'), { recursive: true });
  cpSync(fixture, join(folder, 'test/nest11'), { recursive: true });
  cpSync(join(fixture, 'jest.config.cjs'), join(folder, 'jest.config.cjs'));
  return folder;
}

function test(args) {
  const installed = install();
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
if (first === '--lock') {
  lock();
} else {
  checkMirror();
  if (first === '--prepare') install();
  else if (first === '--backends') test([...others, ...withBackends]);
  else test(first === undefined ? [] : [first, ...others]);
}
