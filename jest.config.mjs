import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SourceTextModule } from 'node:vm';

import { esmPackages } from './scripts/prepare/esm-packages.mjs';

/**
 * Tests run as CommonJS through swc, against the sources: Nest 12 is ESM only, which jest can load from CommonJS
 * on Node >= 24.9 with --experimental-vm-modules (scripts/jest.mjs sets it). On an older Node swc makes CommonJS of whatever
 * is ESM only.
 */
const loadsEsm = typeof SourceTextModule?.prototype.hasAsyncGraph === 'function';
const module = { type: 'commonjs', ignoreDynamic: false };

function transformEsmPackages() {
  const folders = esmPackages(fileURLToPath(new URL('.', import.meta.url))).join('|');
  return {
    transform: { '^.+\\.m?js$': ['@swc/jest', { jsc: { target: 'es2023', keepClassNames: true }, module }] },
    transformIgnorePatterns: [`^(?!<rootDir>/(?:${folders})/(?!node_modules/)).*/node_modules/`],
  };
}

const older = loadsEsm ? {} : transformEsmPackages();
const shared = {
  ...older,
  testEnvironment: 'node',
  transform: {
    ...older.transform,
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module,
      },
    ],
  },
  moduleNameMapper: {
    '^nestjs-telemetry$': '<rootDir>/lib/index.ts',
    '^nestjs-telemetry/testing$': '<rootDir>/lib/testing/index.ts',
    '^nestjs-telemetry/testing/jest$': '<rootDir>/lib/testing/jest.ts',
    '^nestjs-telemetry/register$': '<rootDir>/lib/register.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: [
    '<rootDir>/dist',
    '<rootDir>/test/nest11',
    '<rootDir>/test/samples',
    '<rootDir>/.cache',
  ],
};

export default {
  testTimeout: 60_000,
  // Many specs wait for processes, timers and servers.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  // Node never frees the modules of a finished spec that were loaded as ESM.
  workerIdleMemoryLimit: '1GB',
  projects: [
    { ...shared, displayName: 'architecture', testMatch: ['<rootDir>/test/architecture.spec.ts'] },
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.spec.ts'],
      testPathIgnorePatterns: [
        '<rootDir>/test/architecture.spec.ts',
        '<rootDir>/test/e2e/',
        '<rootDir>/test/backends/',
        '<rootDir>/test/faults/',
      ],
    },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.spec.ts'] },
    { ...shared, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.spec.ts'] },
    { ...shared, displayName: 'browser', testMatch: ['<rootDir>/test/**/*.browser.ts'] },
    { ...shared, displayName: 'backends', testMatch: ['<rootDir>/test/backends/**/*.spec.ts'] },
  ],
};
