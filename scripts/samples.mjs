// Runs the applications of test/samples with and without the packed tarball, as its user would: Nest 11, CommonJS, plain jest.
//
//   node scripts/samples.mjs            pack, install, run; further arguments go to jest
//   node scripts/samples.mjs --lock     bring test/samples' package.json and lockfile up to date with package.json
//
// Everything happens outside of the repository, as in scripts/nest11.mjs. MariaDB and Redis are found as
// scripts/prepare/find-backends.mjs finds them; what is missing is skipped with its reason.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runApart } from './prepare/jest-apart.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const fixture = join(root, 'test/samples');

/** Compiles the samples: they run in their own processes, without jest. */
function assemble(folder, installed) {
  const { transformSync } = createRequire(join(installed, 'package.json'))('@swc/core');
  const samples = join(folder, 'samples');
  mkdirSync(samples);
  for (const file of readdirSync(fixture)) {
    if (!file.endsWith('.ts')) continue;
    const { code } = transformSync(readFileSync(join(fixture, file), 'utf8'), {
      filename: file,
      module: { type: 'commonjs' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
    });
    writeFileSync(join(samples, file.replace(/\.ts$/, '.js')), code);
  }
  cpSync(join(fixture, 'files'), join(samples, 'files'), { recursive: true });
  cpSync(join(fixture, 'jest.config.cjs'), join(folder, 'jest.config.cjs'));
}

runApart({
  root,
  fixture,
  script: 'samples',
  tools: ['@opentelemetry/api', '@swc/core', 'jest', 'reflect-metadata', 'rxjs'],
  assemble,
  jestArgs: ['--runInBand', '--verbose'],
});
