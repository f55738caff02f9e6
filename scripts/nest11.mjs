// Runs the suite of behaviours on Nest 11 as its user would: the packed tarball, CommonJS, plain jest.
//
//   node scripts/nest11.mjs             pack, install, run; further arguments go to jest
//   node scripts/nest11.mjs --backends  the same for what needs a real server; scripts/prepare/find-backends.mjs says where those are
//   node scripts/nest11.mjs --prepare   only install what is locked, so that a later run starts immediately
//   node scripts/nest11.mjs --lock      bring test/nest11's package.json and lockfile up to date with package.json
//
// Everything happens outside of the repository, or Node would find the Nest 12 of the repository by walking upwards.
// The locked packages are installed once per lockfile; the tarball is unpacked anew for each run in a folder below, from
// where it finds them. The lockfile never names the tarball, so a change of the library cannot break it.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runApart } from './prepare/jest-apart.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const fixture = join(root, 'test/nest11');

runApart({
  root,
  fixture,
  script: 'nest11',
  tools: [
    '@clickhouse/client',
    '@fastify/otel',
    '@modelcontextprotocol/client',
    '@modelcontextprotocol/server',
    '@opentelemetry/api',
    '@opentelemetry/exporter-jaeger',
    '@opentelemetry/instrumentation-express',
    '@opentelemetry/instrumentation-http',
    '@opentelemetry/instrumentation-nestjs-core',
    '@opentelemetry/sdk-node',
    '@swc/core',
    '@swc/jest',
    'jest',
    'reflect-metadata',
    'rxjs',
  ],
  assemble(folder) {
    cpSync(join(root, 'test/e2e/behaviours'), join(folder, 'test/e2e/behaviours'), { recursive: true });
    for (const file of ['docs/other-sdks.md', 'test/e2e/programs/with-node-sdk.cjs'])
      cpSync(join(root, file), join(folder, file));
    for (const file of ['certificate.ts', 'eventually.ts', 'free-port.ts'])
      cpSync(join(root, 'test/support', file), join(folder, 'test/support', file));
    cpSync(join(root, 'test/backends'), join(folder, 'test/backends'), { recursive: true });
    cpSync(fixture, join(folder, 'test/nest11'), { recursive: true });
    cpSync(join(fixture, 'jest.config.cjs'), join(folder, 'jest.config.cjs'));
  },
  commands: {
    '--prepare': () => undefined,
    // --testMatch is last: it takes whatever follows for a pattern.
    '--backends': (args) => [
      ...args,
      '--runInBand',
      '--verbose',
      '--testMatch=<rootDir>/test/nest11/backends/*.spec.ts',
    ],
  },
});
