// Checks what a user would install: the contents of the tarball, its entry points as ESM, CommonJS and types, its dependencies, and
// that npm installs it in a new Nest project without a warning. Prints one line per check; ends with 1 when one fails.
//
//   node scripts/check-package.mjs [text]   only the checks that have the text in their names
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';

import { checkFreshInstall, checkNewProject } from './check-new-projects.mjs';
import { checkTestKit } from './check-test-kit.mjs';
import { packLibrary, unpackLibrary } from './prepare/packed-library.mjs';
import { captureCommand, tryCommand } from './prepare/run-command.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
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

/** Packs and unpacks the package where Node finds the dependencies of the repository beside it. */
function unpack() {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const consumer = mkdtempSync(join(root, '.cache/consumer-'));
  const { path: tarball, files, size, unpackedSize } = packLibrary(root, consumer);
  const packed = unpackLibrary(tarball, consumer);
  return { consumer, tarball, packed, files: files.map(({ path }) => path), size, unpackedSize };
}

async function checkPublint({ packed }) {
  const { messages } = await publint({ pkgDir: packed, strict: true });
  return messages.map((message) => formatMessage(message, manifest));
}

/** Are the types wrong? As the resolutions of TypeScript see each entry point: Node 10 and 16 from both kinds of module, bundlers. */
async function checkAttw({ tarball }) {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  if (!result.types) return ['it has no types'];
  return result.problems.map(({ kind, ...where }) => `${kind}: ${JSON.stringify(where)}`);
}

function checkContents({ files }) {
  const meant =
    /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/cjs\/cli\/collection\.json|dist\/(esm|cjs)\/(package\.json|licenses\.txt|.+\.(js|d\.ts)(\.map)?))$/;
  const never = /(^|\/)\.|\.spec\.|(^|\/)(test|sample-app|bench)\//;
  const needed = ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/esm/licenses.txt', 'dist/cjs/licenses.txt'];
  const missing = needed.filter((file) => !files.includes(file));
  return [
    ...files
      .filter((file) => !meant.test(file) || never.test(file))
      .map((file) => `${file} should not be in the tarball`),
    ...missing.map((file) => `${file} is missing`),
  ];
}

/** V8 holds the text of each module: with one character beyond Latin-1 it takes two bytes for all of them. */
function checkText({ packed, files }) {
  return files
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => {
      const code = readFileSync(join(packed, file), 'utf8');
      return [
        ...(/[^\0-\xff]/.test(code) ? [`${file} has a character beyond Latin-1`] : []),
        ...(/^ *\/\*\*/m.test(code) ? [`${file} has comments`] : []),
      ];
    });
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
  const args = [`--input-type=${type}`, '--eval', `${code}${print}`];
  const { stdout, stderr } = captureCommand(process.execPath, args, { cwd: consumer, env, timeout: 60_000 });
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
  captureCommand(process.execPath, [tsc, '-p', consumer], { cwd: root });
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
  const { stdout } = tryCommand(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder });
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
      if (!/^[.#]/.test(fileName) && !isBuiltin(fileName)) used.add(packageOf(fileName));
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

const checks = {
  publint: checkPublint,
  'attw: are the types wrong?': checkAttw,
  'contents of the tarball': checkContents,
  'text of the modules': checkText,
  'entry points by import and by require, with the same exports': checkEntryPoints,
  'types for ESM and CommonJS consumers': checkTypes,
  dependencies: checkDependencies,
  'npm install in a new Nest project, without a warning': checkFreshInstall,
  'the kit for tests in a vitest and in a jest project': checkTestKit,
  'from `nest new` to a trace on the page': checkNewProject,
};

const [text = ''] = process.argv.slice(2);
const unpacked = unpack();
try {
  for (const [name, check] of Object.entries(checks).filter(([name]) => name.includes(text))) {
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
