// Runs test/testing/orders.kit.ts against the packed library where users have it: in a vitest project of Nest 12 (an ES module) and in
// a jest project of Nest 11 (CommonJS, ts-jest), each in a new folder, with what `nest new` sets up for tests. Once everything must
// pass, once every test must fail with its message.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { environmentOf, inFreshFolder, nestPackages, QUIET, runNpm } from './prepare/fresh-project.mjs';
import { tryCommand } from './prepare/run-command.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const tsconfig = (compilerOptions) => ({
  compilerOptions: {
    target: 'es2023',
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    esModuleInterop: true,
    isolatedModules: true,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    ...compilerOptions,
  },
  include: ['src', 'setup.ts'],
});

/** As the templates `application` of @nestjs/schematics 12.0 and 11.1 have it; packages that only style and build are left out. */
const PROJECTS = {
  'vitest, Nest 12': {
    nest: '^12.0.1',
    manifest: { type: 'module' },
    tools: { typescript: '^6.0.2', vitest: '^4.1.2' },
    tsconfig: tsconfig({
      module: 'nodenext',
      moduleResolution: 'nodenext',
      types: ['node', 'vitest/globals'],
    }),
    files: {
      'setup.ts': "import 'nestjs-telemetry/testing/vitest';\n",
      'vitest.config.mjs': `export default {
        test: { globals: true, setupFiles: ['./setup.ts'], include: ['src/**/*.spec.ts'] },
      };\n`,
      'src/imported.spec.ts': importedSpec('vitest'),
    },
    run: ['node_modules/vitest/vitest.mjs', 'run'],
  },
  'jest, Nest 11': {
    nest: '^11.0.1',
    manifest: {
      jest: {
        moduleFileExtensions: ['js', 'json', 'ts'],
        testRegex: '.*\\.spec\\.ts$',
        transform: { '^.+\\.(t|j)s$': 'ts-jest' },
        testEnvironment: 'node',
        setupFilesAfterEnv: ['./setup.ts'],
      },
    },
    tools: { '@types/jest': '^30.0.0', jest: '^30.0.0', 'ts-jest': '^29.2.5', typescript: '^5.7.3' },
    tsconfig: tsconfig({ module: 'commonjs', moduleResolution: 'node10', types: ['node', 'jest'] }),
    files: {
      'setup.ts': "import 'nestjs-telemetry/testing/jest';\n",
      'src/imported.spec.ts': importedSpec('@jest/globals'),
    },
    run: ['node_modules/jest/bin/jest.js', '--watchman=false', '--runInBand'],
  },
};

/** With the functions of the runner imported: other declarations, which must know the matchers too. */
function importedSpec(runner) {
  return `import { expect, it } from '${runner}';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

it('knows the matchers of an imported expect()', async () => {
  const probe = createTelemetryProbe();
  expect(probe).not.toHaveSpan({ name: 'x', attributes: { id: expect.any(String) } });
  expect(probe).toStayWithin({ queries: 0 });
  // @ts-expect-error -- there is no such option
  expect(() => expect(probe).toHaveSpan({ nam: 'x' })).toThrow('Did you mean name?');
});
`;
}

/** What each failing test prints. */
const MESSAGES = [
  'No span is like that. The nearest one, "Orders.list", differs in',
  'name: expected "Order.list", received "Orders.list"',
  'status: expected "error", received "unset"',
  '├─ pg.query [client]',
  'value: expected 7, received 1',
  'orders.listed { shop: "a" } 1',
  'msg: expected "lists", received "listed"',
  '3 times by Orders.list: SELECT * FROM items WHERE order_id = ?',
  'queries: at most 1, used 3',
  'There is no such option. Did you mean attributes?',
];

/** Returns what is wrong. */
export async function checkTestKit({ tarball }) {
  const problems = [];
  for (const [name, project] of Object.entries(PROJECTS)) {
    await inFreshFolder('kit', {}, (folder) => {
      writeProject(folder, project);
      runNpm(process.execPath, folder, ['install', tarball, '@opentelemetry/api', ...QUIET]);
      problems.push(...runProject(folder, project).map((problem) => `${name}: ${problem}`));
    });
  }
  return problems;
}

function writeProject(folder, { nest, manifest, tools, tsconfig: settings, files }) {
  const dependencies = nestPackages(nest);
  const devDependencies = { '@nestjs/testing': nest, '@types/node': '^24.0.0', ...tools };
  const text = JSON.stringify({ name: 'app', private: true, ...manifest, dependencies, devDependencies });
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'package.json'), text);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  cpSync(join(root, 'test/testing/orders.kit.ts'), join(folder, 'src/orders.spec.ts'));
}

function runProject(folder, { run }) {
  const types = runNode(folder, ['node_modules/typescript/bin/tsc', '-p', '.']);
  const passing = runNode(folder, run);
  const failing = runNode(folder, run, { KIT_FAILS: 'true' });
  const snapshots = join(folder, 'src/__snapshots__/orders.spec.ts.snap');
  const snapshot = existsSync(snapshots) ? readFileSync(snapshots, 'utf8') : '';
  return [
    ...(types.status === 0 ? [] : [`the types are wrong\n${types.output}`]),
    ...(passing.status === 0 ? [] : [`a test fails\n${passing.output}`]),
    ...(failing.status === 0 ? ['no test fails that must'] : []),
    ...MESSAGES.filter((message) => !failing.output.includes(message)).map(
      (message) => `no test fails with: ${message}`,
    ),
    ...(snapshot.includes('Orders.list\n├─ pg.query [client]\n└─ pg.query [client]')
      ? []
      : [`the snapshot is not the trace\n${snapshot}`]),
  ];
}

function runNode(folder, args, env = {}) {
  const quiet = { NO_COLOR: '1', FORCE_COLOR: '0', CI: '' };
  return tryCommand(process.execPath, args, {
    cwd: folder,
    env: { ...environmentOf(process.execPath), ...quiet, ...env },
  });
}
