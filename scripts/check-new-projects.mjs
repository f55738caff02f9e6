// The library in new Nest projects: `npm install` prints no warning, and from `nest new` to a trace on the page no file is edited by hand.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import {
  askPage,
  environmentOf,
  inFreshFolder,
  nestPackages,
  QUIET,
  runNpm,
  waitFor,
  withServer,
} from './prepare/fresh-project.mjs';
import { captureCommand } from './prepare/run-command.mjs';

const node = process.execPath;

/** `package.json` as `nest new` writes it: templates `application` of @nestjs/schematics 12.0 and 11.1. */
const NEW_PROJECTS = {
  'Nest 12': {
    type: 'module',
    dependencies: nestPackages('^12.0.1'),
    devDependencies: {
      '@nestjs/cli': '^12.0.0',
      '@nestjs/schematics': '^12.0.0',
      '@nestjs/testing': '^12.0.1',
      '@types/express': '^5.0.0',
      '@types/node': '^24.0.0',
      '@types/supertest': '^7.0.0',
      '@vitest/coverage-v8': '^4.1.2',
      oxlint: '^1.58.0',
      'oxlint-tsgolint': '^7.0.2001',
      prettier: '^3.4.2',
      'source-map-support': '^0.5.21',
      supertest: '^7.0.0',
      typescript: '^6.0.2',
      'vite-tsconfig-paths': '^5.1.4',
      vitest: '^4.1.2',
    },
  },
  'Nest 11': {
    dependencies: nestPackages('^11.0.1'),
    devDependencies: {
      '@eslint/eslintrc': '^3.2.0',
      '@eslint/js': '^9.18.0',
      '@nestjs/cli': '^11.0.0',
      '@nestjs/schematics': '^11.0.0',
      '@nestjs/testing': '^11.0.1',
      '@types/express': '^5.0.0',
      '@types/jest': '^30.0.0',
      '@types/node': '^24.0.0',
      '@types/supertest': '^7.0.0',
      eslint: '^9.18.0',
      'eslint-config-prettier': '^10.0.1',
      'eslint-plugin-prettier': '^5.2.2',
      globals: '^17.0.0',
      jest: '^30.0.0',
      prettier: '^3.4.2',
      'source-map-support': '^0.5.21',
      supertest: '^7.0.0',
      'ts-jest': '^29.2.5',
      'ts-loader': '^9.5.2',
      'ts-node': '^10.9.2',
      'tsconfig-paths': '^4.2.0',
      typescript: '^5.7.3',
      'typescript-eslint': '^8.20.0',
    },
  },
};

/**
 * Runs the command of the quick start in new projects, with the real npm and its registry: npm must print no warning, and `npm ls`
 * find nothing wrong. The whole project is only resolved, which shows conflicts of peers; the packages of production are installed.
 */
export async function checkFreshInstall({ tarball }) {
  const problems = [];
  for (const [name, { devDependencies, ...project }] of Object.entries(NEW_PROJECTS)) {
    problems.push(
      ...(await installFresh(name, { ...project, devDependencies }, tarball, true)),
      ...(await installFresh(name, project, tarball, false)),
    );
  }
  return problems;
}

function installFresh(name, project, tarball, isResolvedOnly) {
  const manifest = { name: 'app', private: true, ...project };
  return inFreshFolder('install', { 'package.json': manifest }, (folder) => {
    const npm = (...args) => runNpm(node, folder, isResolvedOnly ? [...args, '--package-lock-only'] : args);
    npm('install', ...QUIET);
    const before = measure(folder);
    const { stderr } = npm('install', tarball, '@opentelemetry/api', ...QUIET);
    const printed = stderr.split('\n').filter((line) => line.trim() !== '');
    // Tools of the project have install scripts that npm warns about, whatever is added.
    if (isResolvedOnly) return printed.filter((line) => line.includes('ERESOLVE'));
    const after = measure(folder);
    const size = ((after.bytes - before.bytes) / 1e6).toFixed(1);
    console.log(`       ${name}: ${after.packages - before.packages} packages, ${size} MB`);
    return [...printed, ...listProblems(npm)].map((problem) => `${name}: ${problem}`);
  });
}

/** What `npm ls` finds wrong with a project. */
function listProblems(npm) {
  const { stdout, status } = npm('ls', '--all', '--json');
  const { problems = [] } = JSON.parse(stdout);
  return status === 0 ? [] : [`npm ls ends with ${status}`, ...problems];
}

/** Number and size of what is installed; nothing when only the lockfile was written. */
function measure(folder) {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const modules = join(folder, 'node_modules');
  let bytes = 0;
  for (const file of readFiles(modules)) bytes += statSync(file).size;
  return { packages: Object.keys(lock.packages).length - 1, bytes };
}

function readFiles(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

/** How telemetry is added to a project: by the command of this package, or by what `nest add` runs once it has installed it. */
const ADDED_BY = {
  'Nest 12': (bin) => [bin('nestjs-telemetry'), 'init'],
  'Nest 11': (bin) => [bin('nest'), 'generate', '-c', 'nestjs-telemetry', 'nest-add'],
};

/**
 * From `nest new`, by the CLI itself, to a trace on the page, without a file edited by hand: creates the project, installs, adds
 * telemetry, builds, starts, sends a request.
 */
export async function checkNewProject({ tarball }) {
  const problems = [];
  for (const [name, added] of Object.entries(ADDED_BY)) {
    try {
      const seconds = await inFreshFolder('new', {}, (folder) =>
        reachFirstTrace(folder, name.split(' ')[1], added, tarball),
      );
      console.log(
        `       ${name}: a trace on the page after ${seconds.join(' + ')} s (new, install, add, build, start and request)`,
      );
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
  }
  return problems;
}

async function reachFirstTrace(parent, major, added, tarball) {
  const seconds = [];
  const timed = async (work) => {
    const started = performance.now();
    await work();
    seconds.push(((performance.now() - started) / 1_000).toFixed(0));
  };
  const folder = join(parent, 'app');
  const bin = (command) => join(folder, 'node_modules/.bin', command);
  const run = (args) => captureCommand(node, args, { cwd: folder, env: environmentOf(node) });
  const cli = ['exec', '--yes', '--package', `@nestjs/cli@${major}`, '--', 'nest', 'new', 'app'];
  await timed(() => mustRunNpm(parent, [...cli, '--skip-git', '--skip-install', '--package-manager', 'npm']));
  await timed(() => mustRunNpm(folder, ['install', tarball, '@opentelemetry/api', ...QUIET]));
  await timed(() => run(added(bin)));
  await timed(() => run([bin('nest'), 'build']));
  await timed(() => seeTrace(folder));
  const again = run([bin('nestjs-telemetry'), 'init']).stdout;
  if (again.trim() !== 'Everything is there already.')
    throw new Error(`a second init changes more:\n${again}`);
  return seconds;
}

function mustRunNpm(folder, args) {
  const { status, output } = runNpm(node, folder, args);
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed\n${output}`);
}

/** Starts the built project as its user would, and looks at its page for the request that it was sent. */
function seeTrace(folder) {
  const project = { cwd: folder, env: environmentOf(node) };
  return withServer(node, ['dist/main.js'], project, (origin, printed) =>
    waitFor(
      async () => {
        const { items } = await askPage(origin, printed(), 'traces');
        return items.some((trace) => JSON.stringify(trace).includes('GET /'));
      },
      () => `the page shows no trace of the request:\n${printed()}`,
    ),
  );
}
