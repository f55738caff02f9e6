// The plain jest of a Nest 11 user: CommonJS, no flag of Node, our package from node_modules.
module.exports = {
  testEnvironment: 'node',
  testTimeout: 60_000,
  maxWorkers: 3,
  testMatch: ['<rootDir>/test/nest11/*.spec.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
  },
};
