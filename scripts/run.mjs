// What `npm start` and `npm test` do straight after a clone, with no more than Node 20 and npm on the machine: install what is
// missing, build what is stale, and run the rest with the Node the project pins. Needs no dependency.
//
//   node scripts/run.mjs start [options]                            the sample system; --help lists the options
//   node scripts/run.mjs prepare                                    install and build, and no more
//   node scripts/run.mjs test [jest arguments]                      architecture, unit, e2e, Nest 11
//   node scripts/run.mjs verify                                     format, lint, types, unused code, public types, then the tests
//   node scripts/run.mjs faults [jest arguments]                    an application under load beside broken collectors
//   node scripts/run.mjs backends [arguments]                       the sample system against real servers
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { installDependencies, isInstalled } from './prepare/install-dependencies.mjs';
import { pinnedNode } from './prepare/pinned-node.mjs';
import { withLock } from './prepare/with-lock.mjs';
import { HELP, readOptions } from './sample/read-options.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [command, ...args] = process.argv.slice(2);

/** Runs one script with the pinned Node and returns its exit code; signals are passed on. */
function runNode(script, scriptArgs = [], extraStdio = []) {
  const executable = pinnedNode(root);
  const stdio = ['inherit', 'inherit', 'inherit', ...extraStdio];
  const child = spawn(executable, [join(root, script), ...scriptArgs], { cwd: root, stdio });
  const forward = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`${executable} could not be started: ${error.message}`);
      resolve(1);
    });
    child.once('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, forward);
      resolve(signal === null ? code : 1);
    });
  });
}

/** One run at a time installs and builds; another one waits, and then finds it done. */
async function prepare() {
  await withLock(join(root, '.cache/prepare.lock'), async () => {
    if (!isInstalled(root)) await installDependencies(root);
    const code = await runNode('scripts/build.mjs', ['--all']);
    if (code !== 0) throw new Error('the build failed');
  });
}

/** Runs every step even after one failed, says how each went, and returns 1 when any failed. */
async function runSteps(steps) {
  const results = [];
  for (const { name, script, scriptArgs } of steps) {
    const started = performance.now();
    const code = existsSync(join(root, script)) ? await runNode(script, scriptArgs) : 1;
    results.push({ name, code, seconds: (performance.now() - started) / 1_000 });
  }
  console.log('');
  for (const { name, code, seconds } of results) {
    console.log(`${code === 0 ? 'passed' : 'FAILED'}  ${name} (${seconds.toFixed(1)} s)`);
  }
  return results.every(({ code }) => code === 0) ? 0 : 1;
}

const jestStep = {
  name: 'architecture, unit, e2e',
  script: 'scripts/jest.mjs',
  scriptArgs: ['architecture,unit,e2e', ...args],
};
const testSteps = [
  jestStep,
  { name: 'Nest 11 (Fastify, Express)', script: 'scripts/nest11.mjs', scriptArgs: [] },
];
const verifySteps = [
  { name: 'format', script: 'node_modules/prettier/bin/prettier.cjs', scriptArgs: ['--check', '.'] },
  { name: 'lint', script: 'node_modules/eslint/bin/eslint.js', scriptArgs: ['.', '--max-warnings', '0'] },
  {
    name: 'types',
    script: 'node_modules/typescript/bin/tsc',
    scriptArgs: ['-p', 'tsconfig.json', '--noEmit'],
  },
  {
    name: 'types of the page',
    script: 'node_modules/typescript/bin/tsc',
    scriptArgs: ['-p', 'lib/dashboard/ui/tsconfig.json', '--noEmit'],
  },
  { name: 'unused code', script: 'node_modules/knip/bin/knip.js', scriptArgs: ['--no-progress'] },
  { name: 'public types', script: 'scripts/api-report.mjs', scriptArgs: [] },
];

const commands = {
  prepare: () => 0,
  // The channel makes the system stop when this process is killed.
  start: () => runNode('scripts/sample/start.mjs', args, ['ipc']),
  // Whoever names tests wants those and nothing else.
  test: () => runSteps(args.length > 0 ? [jestStep] : testSteps),
  verify: () => runSteps([...verifySteps, ...testSteps]),
  faults: () => runNode('scripts/jest.mjs', ['faults', '-i', ...args]),
  backends: () => runNode('scripts/backends.mjs', args),
};

async function main() {
  if (!Object.hasOwn(commands, command ?? '')) {
    console.error(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [arguments]`);
    return 2;
  }
  if (command === 'start') {
    // Before the build, which takes a minute.
    try {
      if (readOptions(args).help) {
        process.stdout.write(HELP);
        return 0;
      }
    } catch (error) {
      console.error(`Cannot start: ${error.message}; npm start -- --help lists the options.`);
      return 2;
    }
  }
  try {
    await prepare();
  } catch (error) {
    console.error(`Cannot ${command}: ${error.message}`);
    return 1;
  }
  return commands[command]();
}

process.exitCode = await main();
