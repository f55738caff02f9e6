// Brings the bench's own packages and the current build of the library into bench/node_modules.
//
//   node bench/install.mjs          install what is locked when it is not there, build the library, unpack it
//   node bench/install.mjs --lock   bring package.json and the lockfile up to date with the library's dependencies
//
// The lockfile never names the library, so a change of the library cannot break it; its dependencies are mirrored, so
// that nothing is found by chance in the folder above, as a second copy.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const read = (file) => readFileSync(join(here, file), 'utf8');

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed (${error?.message ?? `exit code ${status}`})`);
}

/** package.json as it should be: the library's dependencies, and the versions of shared tools, are the repository's. */
function mirrored() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const own = JSON.parse(read('package.json'));
  const shared = Object.entries(own.devDependencies).map(([name, version]) => [
    name,
    devDependencies[name] ?? version,
  ]);
  return { ...own, dependencies, devDependencies: Object.fromEntries(shared) };
}

function installPackages() {
  if (JSON.stringify(mirrored()) !== JSON.stringify(JSON.parse(read('package.json')))) {
    throw new Error(
      'bench/package.json does not mirror package.json any more: run `node bench/install.mjs --lock` and commit what it changed',
    );
  }
  const stamp = join(here, 'node_modules/.installed-lock.json');
  const lock = read('package-lock.json');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  run(
    'npm',
    ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    here,
  );
  writeFileSync(stamp, lock);
}

/** Installs and unpacks; afterwards `import 'nestjs-telemetry'` in this folder is the library as it stands. */
export function installBench() {
  installPackages();
  run(process.execPath, [join(root, 'scripts/build.mjs')], root);
  const unpacked = join(here, 'node_modules/nestjs-telemetry');
  rmSync(unpacked, { recursive: true, force: true });
  for (const part of ['package.json', 'dist/esm', 'dist/cjs']) {
    cpSync(join(root, part), join(unpacked, part), { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--lock')) {
    writeFileSync(join(here, 'package.json'), `${JSON.stringify(mirrored(), null, 2)}\n`);
    run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'], here);
  } else {
    installBench();
  }
}
