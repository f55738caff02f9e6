// Installs the packed library with npm, pnpm, Yarn (Plug'n'Play) and Bun, each in a new project, and runs that project on Node 22, 24
// and the current release: neither the manager nor the project may print a warning, and the trace of a request must be the same.
// Prints one line for each combination; ends with 1 when one fails.
//
//   node scripts/package-managers.mjs [npm|pnpm|yarn|bun …]
//
// The managers and the releases of Node come from npm, and are kept in .cache.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  askPage,
  environmentOf,
  inFreshFolder,
  nestPackages,
  QUIET,
  waitFor,
  withServer,
} from './prepare/fresh-project.mjs';
import { installTools, nodeRelease } from './prepare/node-release.mjs';
import { packLibrary } from './prepare/packed-library.mjs';
import { pinnedNode } from './prepare/pinned-node.mjs';
import { tryCommand } from './prepare/run-command.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const TOOLS = { pnpm: '12.21.0', '@yarnpkg/cli-dist': '4.18.1', bun: '1.4.5' };
const toolsFolder = join(root, '.cache/managers', Object.values(TOOLS).join('-'));
const tool = (path) => join(toolsFolder, 'node_modules', path);

const NODES = { 22: '22.23.3', 24: devDependencies.node, 26: '26.10.0' };

/**
 * For each manager its files in a project, and the commands, which get the executable of Node: `install`, `app` to run the
 * project, and `bin` to run a command of an installed package.
 */
const MANAGERS = {
  npm: {
    install: () => ['npm', 'install', ...QUIET],
    app: (node) => [node, 'app.mjs'],
    bin: () => ['npm', 'exec', '--'],
  },
  pnpm: {
    install: () => [tool('.bin/pnpm'), 'install', '--no-frozen-lockfile'],
    app: (node) => [node, 'app.mjs'],
    bin: () => [tool('.bin/pnpm'), 'exec'],
  },
  yarn: {
    files: { '.yarnrc.yml': 'nodeLinker: pnp\nenableTelemetry: false\n', 'yarn.lock': '' },
    install: (node) => [node, tool('@yarnpkg/cli-dist/bin/yarn.js'), 'install', '--no-immutable'],
    app: (node) => [node, tool('@yarnpkg/cli-dist/bin/yarn.js'), 'node', 'app.mjs'],
    bin: (node) => [node, tool('@yarnpkg/cli-dist/bin/yarn.js')],
  },
  bun: {
    install: () => [tool('.bin/bun'), 'install'],
    app: (node) => [node, 'app.mjs'],
    bin: () => ['npm', 'exec', '--'],
  },
};

/** The trace of `GET /orders/7` in each project. */
const TRACE = `GET /orders/:id
  OrdersController.find
    OrdersController.load
      pg.pool.connect (error)
    GET
      GET /stock
        OrdersController.stock`;

/** What Yarn says of every project of ES modules. */
const OF_THE_MANAGER = /YN0092|Done with warnings/;

const WARNING =
  /\bwarn|deprecat|experimental|\berror\b|missing peer|unmet|incorrect peer|ignored build|YN00(?:02|60|86)/i;

async function checkManager(name, tarball) {
  const manager = MANAGERS[name];
  const manifest = {
    name: 'orders',
    private: true,
    type: 'module',
    dependencies: {
      ...nestPackages('^12.0.1'),
      '@opentelemetry/api': '^1.10.0',
      'nestjs-telemetry': `file:${tarball}`,
      pg: devDependencies.pg,
    },
  };
  const app = readFileSync(join(root, 'scripts/managers/app.mjs'), 'utf8');
  const files = { 'package.json': manifest, 'app.mjs': app, ...manager.files };
  await inFreshFolder(`with-${name}`, files, async (folder) => {
    const node = pinnedNode(root);
    const started = performance.now();
    const { status, output } = run(manager.install(node), folder, node);
    const problems = status === 0 ? warningsIn(output) : [`the install ended with ${status}`, output];
    report(`${name} install`, started, problems);
    if (status !== 0) return;
    for (const [major, version] of Object.entries(NODES)) {
      const runs = performance.now();
      report(`${name}, Node ${major}`, runs, await checkProject(manager, folder, nodeOf(version)));
    }
  });
}

const nodeOf = (version) => (version === NODES[24] ? pinnedNode(root) : nodeRelease(root, version));

async function checkProject(manager, folder, node) {
  try {
    return [...(await checkTrace(manager, folder, node)), ...checkDoctor(manager, folder, node)];
  } catch (error) {
    return [error.message];
  }
}

async function checkTrace(manager, folder, node) {
  rmSync(join(folder, '.telemetry'), { recursive: true, force: true });
  const [command, ...args] = manager.app(node);
  return withCollector((endpoint, received) => {
    const env = { ...environmentOf(node), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    return withServer(command, args, { cwd: folder, env, path: '/stock' }, async (origin, printed) => {
      const { sent } = await (await fetch(`${origin}/orders/7`)).json();
      const trace = await waitFor(
        async () => {
          const { items } = await askPage(origin, printed(), 'traces');
          const found = items.find(({ name }) => name === 'GET /orders/:id');
          return found && (await askPage(origin, printed(), `traces/${found.traceId}`));
        },
        () => `the page shows no trace of the request:\n${printed()}`,
      );
      await waitFor(
        () => received.has('/v1/traces') && received.has('/v1/logs'),
        () => `the collector received ${[...received].join(', ')}`,
      );
      const tree = drawTree(trace.spans);
      return [
        ...(tree === TRACE ? [] : [`the trace is another one:\n${tree}`]),
        ...(sent.b3 && sent.traceparent ? [] : [`the request carries ${JSON.stringify(sent)}`]),
        ...warningsIn(printed()),
      ];
    });
  });
}

/** The command of the package, which also looks for further copies of packages. */
function checkDoctor(manager, folder, node) {
  const { status, stdout, output } = run(
    [...manager.bin(node), 'nestjs-telemetry', 'doctor', '--json'],
    folder,
    node,
  );
  if (status !== 0) return [`doctor ends with ${status}\n${output}`];
  const packages = JSON.parse(stdout).find(({ check }) => check.startsWith('packages'));
  return packages.verdict === 'ok' ? [] : [`doctor: ${JSON.stringify(packages)}`];
}

function run([command, ...args], cwd, node) {
  return tryCommand(command, args, { cwd, env: environmentOf(node) });
}

function warningsIn(output) {
  return output.split('\n').filter((line) => WARNING.test(line) && !OF_THE_MANAGER.test(line));
}

function drawTree(spans) {
  const below = (parent, indent) =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .sort((a, b) => a.start - b.start)
      .flatMap(({ name, status, spanId }) => [
        `${indent}${name}${status === 'error' ? ' (error)' : ''}`,
        ...below(spanId, `${indent}  `),
      ]);
  return below(undefined, '').join('\n');
}

/** Runs `use` with the endpoint of a collector that notes the paths it receives. */
async function withCollector(use) {
  const received = new Set();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      received.add(request.url);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${server.address().port}`, received);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function report(what, started, problems) {
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${what} (${seconds} s)`);
  for (const problem of problems) console.log(`         ${problem.trim().replaceAll('\n', '\n         ')}`);
  if (problems.length > 0) process.exitCode = 1;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(MANAGERS, name));
if (unknown.length > 0) {
  console.error(`usage: node scripts/package-managers.mjs [${Object.keys(MANAGERS).join('|')} …]`);
  process.exit(2);
}
if (!existsSync(tool('.bin'))) installTools(toolsFolder, TOOLS);
const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-packed-'));
try {
  const { path } = packLibrary(root, folder);
  for (const name of asked.length > 0 ? asked : Object.keys(MANAGERS)) await checkManager(name, path);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
