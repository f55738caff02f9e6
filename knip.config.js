/** What nobody uses: files, exports and dependencies. `npm run check:unused` */
export default {
  entry: [
    'lib/{index,register}.ts',
    'lib/cli/{main,schematic}.ts',
    'lib/testing/{jest,vitest}.ts',
    // The page: bundled by scripts/build-ui.mjs.
    'lib/dashboard/ui/main.tsx',
    // Programs that scripts and specs start by their path.
    'sample-app/*/main.ts',
    'scripts/**/*.mjs',
    'bench/**/*.mjs',
    'test/**/*.{spec,browser,behaviours}.ts',
    // Copied to projects outside of the repository.
    'test/testing/orders.kit.ts',
    'test/**/programs/**/*.{mjs,cjs,ts}',
    'test/**/fixtures/*.mjs',
    'test/backends/**/*.{mjs,cjs}',
    'test/browser/measure-*.mjs',
    'test/dashboard/ui/serve.mjs',
    'test/faults/service.ts',
  ],
  project: [
    'lib/**/*.{ts,tsx}',
    'sample-app/**/*.ts',
    'test/**/*.{ts,mjs,cjs}',
    'scripts/**/*.mjs',
    'bench/**/*.{ts,mjs}',
  ],
  // Packages of their own, with their own package.json.
  ignore: ['test/nest11/**', 'test/samples/**'],
  ignoreExportsUsedInFile: true,
  // Two names of one token: the former one is deprecated.
  exclude: ['duplicates'],
  ignoreDependencies: [
    // What the kit for tests extends; optional peers.
    'expect',
    'vitest',
    // Loaded by @nestjs/apollo.
    '@as-integrations/express5',
    // Imported by the code of docs/configuration.md, which a test runs.
    '@nestjs/config',
    // Found in the application by its name.
    '@opentelemetry/configuration',
    // Named in the text of a program, and loaded by require().
    'aedes',
    'parse-prometheus-text-format',
    // bench/ installs what it compares with.
    '@opentelemetry/context-async-hooks',
    '@opentelemetry/instrumentation-pino',
    'nestjs-otel',
    // Come with sdk-node and otlp-ref, in the versions that these need.
    '@opentelemetry/exporter-trace-otlp-grpc',
    '@opentelemetry/exporter-trace-otlp-proto',
    '@opentelemetry/sdk-trace-base',
  ],
  ignoreBinaries: ['epmd', 'openssl', 'promtool', 'mkfifo'],
};
