// Checks what a user would install: the contents of the tarball, its entry points as ESM, CommonJS and types, its dependencies, and
// that npm installs it in a new Nest project without a warning. Prints one line per check; ends with 1 when one fails.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';

import { checkTestKit } from './check-test-kit.mjs';
import { unpackLibrary } from './prepare/packed-library.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entryPoints = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');

/** These extend a test runner, in which checkTestKit() loads them. */
const runnerEntries = ['./testing/jest', './testing/vitest'];

/** What the user has in the version that is in use: clients that are recorded, and what Nest and others are used with. */
const platforms = /^(@nestjs\/|mongoose$|typeorm$|@prisma\/|kafkajs$|amqplib$|express$|fastify$)/;

/** The clients as the built registry of instrumentations lists them. */
async function recordedPackages() {
  const { clientInstrumentations } = await import('../dist/modules/instrumentation/registry.js');
  return clientInstrumentations().flatMap(([, { packages }]) => packages);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 120_000,
    shell: process.platform === 'win32' && command === 'npm',
    ...options,
  });
  if (result.status !== 0) {
    const why =
      result.error?.message ?? (result.signal ? `killed by ${result.signal}` : `exit code ${result.status}`);
    throw new Error(
      `${command} ${args.slice(0, 2).join(' ')}… failed (${why})\n${result.stdout}${result.stderr}`,
    );
  }
  return result;
}

/** Packs and unpacks the package where Node finds the dependencies of the repository beside it. */
function unpack() {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const consumer = mkdtempSync(join(root, '.cache/consumer-'));
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', consumer];
  const [{ filename, files, size, unpackedSize }] = JSON.parse(run('npm', args).stdout);
  unpackLibrary(join(consumer, filename), consumer);
  return {
    consumer,
    tarball: join(consumer, filename),
    packed: join(consumer, 'node_modules', manifest.name),
    files: files.map(({ path }) => path),
    size,
    unpackedSize,
  };
}

async function checkPublint({ packed }) {
  const { messages } = await publint({ pkgDir: packed, strict: true });
  return messages.map((message) => formatMessage(message, manifest));
}

function checkContents({ files }) {
  const meant =
    /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/cjs\/cli\/collection\.json|dist\/(esm|cjs)\/(package\.json|.+\.(js|d\.ts)(\.map)?))$/;
  const never = /(^|\/)\.|\.spec\.|(^|\/)(test|sample-app|bench)\//;
  const missing = ['README.md', 'CHANGELOG.md', 'LICENSE'].filter((file) => !files.includes(file));
  return [
    ...files
      .filter((file) => !meant.test(file) || never.test(file))
      .map((file) => `${file} should not be in the tarball`),
    ...missing.map((file) => `${file} is missing`),
  ];
}

/** Loads an entry point in its own process; gives what it exports, each name with what a class calls itself, and what it printed. */
function load(consumer, entry, how) {
  const specifier = entry.replace('.', manifest.name);
  const code = {
    import: `const m = await import('${specifier}'); `,
    require: `const m = require('${specifier}'); `,
  }[how];
  const type = how === 'import' ? 'module' : 'commonjs';
  const print = `
    const own = Object.entries(m).filter(([k]) => k !== 'default' && k !== 'module.exports' && k !== '__esModule');
    const isClass = (v) => typeof v === 'function' && /^class\\b/.test(Function.prototype.toString.call(v));
    console.log(JSON.stringify(own.map(([k, v]) => [k, isClass(v) ? v.name : k])));`;
  // `register` starts telemetry: what is checked here is that it loads, and lets the process end.
  const env = { ...process.env, OTEL_SDK_DISABLED: 'true', NODE_OPTIONS: '' };
  const { stdout, stderr } = run(process.execPath, [`--input-type=${type}`, '--eval', `${code}${print}`], {
    cwd: consumer,
    env,
    timeout: 20_000,
  });
  return { exports: new Map(JSON.parse(stdout)), stderr };
}

function checkEntryPoints({ consumer }) {
  return entryPoints
    .filter((entry) => !runnerEntries.includes(entry))
    .flatMap((entry) => {
      const [esm, cjs] = ['import', 'require'].map((how) => load(consumer, entry, how));
      const onlyIn = (a, b) => [...a.exports.keys()].filter((name) => !b.exports.has(name));
      const renamed = [...esm.exports, ...cjs.exports].filter(([name, called]) => name !== called);
      return [
        ...onlyIn(esm, cjs).map((name) => `${entry}: ${name} is exported as ESM, but not as CommonJS`),
        ...onlyIn(cjs, esm).map((name) => `${entry}: ${name} is exported as CommonJS, but not as ESM`),
        ...[esm, cjs]
          .filter(({ stderr }) => stderr)
          .map(({ stderr }) => `${entry}: loading it prints ${stderr}`),
        ...renamed.map(([name, called]) => `${entry}: the class ${name} calls itself ${called}`),
        ...(entry !== './register' && esm.exports.size === 0 ? [`${entry} exports nothing`] : []),
      ];
    });
}

function checkTypes({ consumer }) {
  const source = entryPoints
    .map((entry, index) => `export * as m${index} from '${entry.replace('.', manifest.name)}';`)
    .join('\n');
  for (const file of ['esm.mts', 'commonjs.cts']) writeFileSync(join(consumer, file), source);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    experimentalDecorators: true,
  };
  writeFileSync(
    join(consumer, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.mts', '*.cts'] }),
  );
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', consumer]);
  return checkOldTypes(consumer, source, compilerOptions);
}

/**
 * The settings of older Nest projects: `module: commonjs`, which resolves without `exports`, and the library of ES2021. Only
 * errors in our own types count: the types of other packages need what they need.
 */
function checkOldTypes(consumer, source, modern) {
  const folder = mkdtempSync(join(consumer, 'commonjs-'));
  const compilerOptions = {
    ...modern,
    module: 'commonjs',
    moduleResolution: 'node10',
    ignoreDeprecations: '6.0',
    target: 'es2021',
    lib: ['es2021'],
    esModuleInterop: true,
    skipLibCheck: false,
  };
  writeFileSync(join(folder, 'consumer.ts'), source);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'],
    { cwd: folder, encoding: 'utf8' },
  );
  return stdout
    .split('\n')
    .filter((line) => /^(consumer\.ts|\S*nestjs-telemetry\/dist\/\S*|error )/.test(line));
}

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every package that the built JavaScript and the types name in an import or a require(). */
function usedPackages(folder) {
  const used = new Set();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(js|d\.ts)$/.test(file)) continue;
    const { importedFiles } = ts.preProcessFile(readFileSync(join(folder, file), 'utf8'), true, true);
    for (const { fileName } of importedFiles) {
      if (!fileName.startsWith('.') && !isBuiltin(fileName)) used.add(packageOf(fileName));
    }
  }
  return used;
}

/** What the dependencies themselves want to find beside them. */
function peersOfDependencies() {
  return Object.keys(manifest.dependencies).flatMap((name) => {
    const { peerDependencies = {} } = JSON.parse(
      readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
    );
    return Object.keys(peerDependencies);
  });
}

async function checkDependencies({ packed }) {
  const drivers = await recordedPackages();
  const dependencies = Object.keys(manifest.dependencies);
  const peers = Object.keys(manifest.peerDependencies);
  const used = usedPackages(join(packed, 'dist'));
  const needed = new Set([...used, ...peersOfDependencies()]);
  return [
    ...dependencies
      .filter((name) => platforms.test(name) || drivers.includes(name))
      .map((name) => `${name} is a driver or a platform, not a dependency`),
    ...dependencies
      .filter((name) => peers.includes(name))
      .map((name) => `${name} is a peer and a dependency`),
    ...[...used]
      .filter((name) => !dependencies.includes(name) && !peers.includes(name))
      .map((name) => `${name} is imported, but neither a dependency nor a peer`),
    ...dependencies
      .filter((name) => !needed.has(name))
      .map((name) => `${name} is a dependency that nothing imports`),
  ];
}

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

function nestPackages(range) {
  return {
    '@nestjs/common': range,
    '@nestjs/core': range,
    '@nestjs/platform-express': range,
    'reflect-metadata': '^0.2.2',
    rxjs: '^7.8.1',
  };
}

/**
 * Runs the command of the quick start in new projects, with the real npm and its registry: npm must print no warning, and `npm ls`
 * find nothing wrong. The whole project is only resolved, which shows conflicts of peers; the packages of production are installed.
 */
function checkFreshInstall({ tarball }) {
  return Object.entries(NEW_PROJECTS).flatMap(([name, { devDependencies, ...project }]) => [
    ...installFresh(name, { ...project, devDependencies }, tarball, true),
    ...installFresh(name, project, tarball, false),
  ]);
}

function installFresh(name, project, tarball, isResolvedOnly) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-install-'));
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, ...project }));
    const npm = (...args) => runNpm(folder, isResolvedOnly ? [...args, '--package-lock-only'] : args);
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier'];
    npm('install', ...quiet);
    const before = measure(folder);
    const { stderr } = npm('install', tarball, '@opentelemetry/api', ...quiet);
    const printed = stderr.split('\n').filter((line) => line.trim() !== '');
    // Tools of the project have install scripts that npm warns about, whatever is added.
    if (isResolvedOnly) return printed.filter((line) => line.includes('ERESOLVE'));
    const after = measure(folder);
    const size = ((after.bytes - before.bytes) / 1e6).toFixed(1);
    console.log(`       ${name}: ${after.packages - before.packages} packages, ${size} MB`);
    return [...printed, ...listProblems(npm)].map((problem) => `${name}: ${problem}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How telemetry is added to a project: by the command of this package, or by what `nest add` runs once it has installed it. */
const ADDED_BY = {
  'Nest 12': (bin) => [process.execPath, [bin('nestjs-telemetry'), 'init']],
  'Nest 11': (bin) => [process.execPath, [bin('nest'), 'generate', '-c', manifest.name, 'nest-add']],
};

/**
 * From `nest new`, by the CLI itself, to a trace on the page, without a file edited by hand: creates the project, installs, adds
 * telemetry, builds, starts, sends a request.
 */
async function checkNewProject({ tarball }) {
  const problems = [];
  for (const [name, added] of Object.entries(ADDED_BY)) {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-new-'));
    try {
      const seconds = await reachFirstTrace(folder, name.split(' ')[1], added, tarball);
      console.log(
        `       ${name}: a trace on the page after ${seconds.join(' + ')} s (new, install, add, build, start and request)`,
      );
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return problems;
}

async function reachFirstTrace(parent, major, added, tarball) {
  const seconds = [];
  const timed = async (work) => {
    const started = performance.now();
    const result = await work();
    seconds.push(((performance.now() - started) / 1_000).toFixed(0));
    return result;
  };
  const folder = join(parent, 'app');
  const bin = (command) => join(folder, 'node_modules/.bin', command);
  const cli = ['exec', '--yes', '--package', `@nestjs/cli@${major}`, '--', 'nest', 'new', 'app'];
  const isolated = { cwd: folder, timeout: 300_000, env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: '' } };
  await timed(() => mustRunNpm(parent, [...cli, '--skip-git', '--skip-install', '--package-manager', 'npm']));
  await timed(() =>
    mustRunNpm(folder, ['install', tarball, '@opentelemetry/api', '--no-audit', '--no-fund']),
  );
  await timed(() => run(...added(bin), isolated));
  await timed(() => run(process.execPath, [bin('nest'), 'build'], isolated));
  await timed(() => seeTrace(folder, isolated.env));
  const again = run(process.execPath, [bin('nestjs-telemetry'), 'init'], isolated).stdout;
  if (again.trim() !== 'Everything is there already.')
    throw new Error(`a second init changes more:\n${again}`);
  return seconds;
}

function mustRunNpm(folder, args) {
  const { status, stdout, stderr } = runNpm(folder, args);
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed\n${stdout}${stderr}`);
}

/** Starts the built project as its user would, and looks at its page for the request that it was sent. */
async function seeTrace(folder, env) {
  const port = await freePort();
  const app = spawn(process.execPath, ['dist/main.js'], { cwd: folder, env: { ...env, PORT: String(port) } });
  let printed = '';
  for (const stream of [app.stdout, app.stderr]) stream.on('data', (chunk) => (printed += String(chunk)));
  try {
    const origin = `http://localhost:${port}`;
    await waitFor(
      async () => (await fetch(origin)).ok,
      () => `the project did not answer:\n${printed}`,
    );
    const token = /#token=(\S+)/.exec(printed)?.[1];
    const headers = { authorization: `Bearer ${token}` };
    await waitFor(
      async () => {
        const answer = await fetch(`${origin}/telemetry/api/v1/traces`, { headers });
        return (await answer.json()).items?.some((trace) => JSON.stringify(trace).includes('GET /'));
      },
      () => `the page shows no trace of the request:\n${printed}`,
    );
  } finally {
    app.kill();
    if (app.exitCode === null) await once(app, 'exit');
  }
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function waitFor(isThere, message) {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (await Promise.resolve(isThere()).catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(message());
}

function installPackages(folder, packages) {
  runNpm(folder, ['install', ...packages, '--no-audit', '--no-fund', '--no-update-notifier']);
}

/** What `npm ls` finds wrong with a project. */
function listProblems(npm) {
  const { stdout, status } = npm('ls', '--all', '--json');
  const { problems = [] } = JSON.parse(stdout);
  return status === 0 ? [] : [`npm ls ends with ${status}`, ...problems];
}

/** Not `run()`: what npm prints, and what it ends with, is judged by the caller. */
function runNpm(folder, args) {
  const inherited = Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key));
  const result = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 300_000,
    shell: process.platform === 'win32',
    // npm itself must run on a Node that the package supports, or it warns about that.
    env: {
      ...Object.fromEntries(inherited),
      PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
      NODE_OPTIONS: '',
    },
  });
  if (args[0] === 'install' && result.status !== 0)
    throw new Error(`npm ${args.join(' ')} failed\n${result.stdout}${result.stderr}`);
  return result;
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

const checks = {
  publint: checkPublint,
  'contents of the tarball': checkContents,
  'entry points by import and by require, with the same exports': checkEntryPoints,
  'types for ESM and CommonJS consumers': checkTypes,
  dependencies: checkDependencies,
  'npm install in a new Nest project, without a warning': checkFreshInstall,
  'the kit for tests in a vitest and in a jest project': ({ tarball }) =>
    checkTestKit(tarball, installPackages),
  'from `nest new` to a trace on the page': checkNewProject,
};

run(process.execPath, [join(root, 'scripts/build.mjs')]);
const unpacked = unpack();
try {
  for (const [name, check] of Object.entries(checks)) {
    let problems;
    try {
      problems = await check(unpacked);
    } catch (error) {
      problems = [error.message];
    }
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
    for (const problem of problems) console.log(`         ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
  console.log(
    `${unpacked.files.length} files, ${Math.round(unpacked.size / 1_024)} kB packed, ${Math.round(unpacked.unpackedSize / 1_024)} kB unpacked`,
  );
} finally {
  rmSync(unpacked.consumer, { recursive: true, force: true });
}
