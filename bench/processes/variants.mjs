// The same application under each kind of telemetry. A variant gives: `imports` (modules), `line` (an entry of `LINES`, loaded:
// how the application writes its line), `decorators` of the two service methods, and `afterCreate`. Modules are loaded by the
// variant that needs them, or memory and start-up would lie.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LINES } from './lines.mjs';

const SERVICE = 'orders-bench';

/** nestjs-pino as its documentation has it, on all routes, with its request line. */
async function withPino(pinoHttp = {}, routes = ['/{*splat}']) {
  const { Logger, LoggerModule } = await import('nestjs-pino');
  const { RequestMethod } = await import('@nestjs/common');
  return {
    imports: [
      LoggerModule.forRoot({
        pinoHttp,
        // The default pattern of nestjs-pino matches nothing on Nest 12 with Fastify.
        forRoutes: routes.map((path) => ({ path, method: RequestMethod.ALL })),
      }),
    ],
    line: await LINES.pino(),
    afterCreate: (app) => {
      app.useLogger(app.get(Logger));
    },
  };
}

/** nestjs-pino with serializers that write as little as our request line does, and no request on the application's lines. */
const LEAN = {
  quietReqLogger: true,
  serializers: {
    req: ({ method, url }) => ({ method, url }),
    res: ({ statusCode }) => ({ statusCode }),
  },
};

async function withOurs(options, line = 'pino') {
  const { TelemetryModule, Trace } = await import('nestjs-telemetry');
  return {
    imports: [TelemetryModule.forRoot({ serviceName: SERVICE, environment: 'production', ...options })],
    line: await LINES[line](),
    decorators: () => [Trace()],
  };
}

/** One variant for each logger of the application. */
function byLine(name, description, load) {
  const through = { pino: 'PinoLogger', nest: "Nest's Logger", service: 'TelemetryService' };
  return Object.fromEntries(
    Object.entries(through).map(([line, logger]) => [
      line === 'pino' ? name : `${name}-${line}`,
      {
        description: `${description}; line by ${logger}`,
        exports: true,
        load: (endpoint) => load(endpoint, line),
      },
    ]),
  );
}

const exporting = (endpoint) => ({ otlpEndpoint: endpoint, otlpProtocol: 'http/protobuf' });

/** Shown to the dashboard, which demands one in production. */
export const DASHBOARD_TOKEN = 'only-of-the-bench';

/** The database and the page; `BENCH_STORE` has the store's options as JSON, without it there is a file that goes with the process. */
function storing() {
  const dashboard = { enabled: true, token: DASHBOARD_TOKEN };
  const { BENCH_STORE } = process.env;
  if (BENCH_STORE !== undefined) return { dashboard, store: { enabled: true, ...JSON.parse(BENCH_STORE) } };
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return { dashboard, store: { enabled: true, file: join(folder, 'telemetry.db') } };
}

/** The SDK and its instrumentations as an ESM application starts them: hook first, then the SDK, then the application. */
async function startOpenTelemetry(endpoint) {
  const require = createRequire(import.meta.url);
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  process.env.OTEL_SERVICE_NAME = SERVICE;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint;
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/protobuf';
  process.env.OTEL_TRACES_EXPORTER = 'otlp';
  process.env.OTEL_METRICS_EXPORTER = 'otlp';
  process.env.OTEL_LOGS_EXPORTER = 'otlp';
  process.env.OTEL_SEMCONV_STABILITY_OPT_IN = 'http';
  const { NodeSDK } = require('@opentelemetry/sdk-node');
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
  const { PinoInstrumentation } = require('@opentelemetry/instrumentation-pino');
  new NodeSDK({ instrumentations: [new HttpInstrumentation(), new PinoInstrumentation()] }).start();
}

/** Every variant by name; `exports` tells whether something is sent to the sink. */
export const VARIANTS = {
  bare: {
    description: 'Nest 12 + Fastify; no log line',
    load: async () => ({ imports: [] }),
  },
  pino: {
    description: 'bare + nestjs-pino: request line and application line',
    load: () => withPino(),
  },
  'pino-lean': {
    description: 'pino with serializers of method, url and status, and quietReqLogger',
    load: () => withPino(LEAN),
  },
  'pino-line': {
    description: 'bare + nestjs-pino on no route: application line only',
    load: () => withPino({ autoLogging: false }, []),
  },
  off: {
    description: 'ours, enabled: false: application line by PinoLogger, as pino-line',
    load: () => withOurs({ enabled: false }),
  },
  ...byLine('ours-1', 'ours, 1 % of the traces: both lines, RED metrics, logs sent', (endpoint, line) =>
    withOurs({ ...exporting(endpoint), sampling: 0.01 }, line),
  ),
  ...byLine('ours-100', 'ours, every trace: 4 spans, both lines, RED metrics, logs sent', (endpoint, line) =>
    withOurs(exporting(endpoint), line),
  ),
  'ours-store': {
    description:
      'ours, every trace: 4 spans, both lines, RED metrics, all into the store; dashboard served, nothing sent',
    load: () => withOurs(storing()),
  },
  'ours-100-store': {
    description: 'ours-100 and ours-store: sent and stored',
    exports: true,
    load: (endpoint) => withOurs({ ...exporting(endpoint), ...storing() }),
  },
  'ours-unredacted': {
    description: 'ours-100 without redaction',
    exports: true,
    load: (endpoint) => withOurs({ ...exporting(endpoint), redaction: { disable: true } }),
  },
  'ours-sdk': {
    description: "ours-100 with OpenTelemetry's SDK for an engine",
    exports: true,
    load: (endpoint) => withOurs({ ...exporting(endpoint), engine: 'sdk' }),
  },
  otel: {
    description: 'pino + NodeSDK with instrumentation-http and -pino: 1 span, both lines, metrics, logs sent',
    exports: true,
    load: async (endpoint) => {
      await startOpenTelemetry(endpoint);
      return withPino();
    },
  },
  'nestjs-otel': {
    description: 'otel + @Span() of nestjs-otel on both service methods: 3 spans',
    exports: true,
    load: async (endpoint) => {
      await startOpenTelemetry(endpoint);
      // One after the other: its CommonJS requires Nest's ES modules, which must not be half loaded then.
      const pino = await withPino();
      const { OpenTelemetryModule, Span } = await import('nestjs-otel');
      return {
        ...pino,
        imports: [...pino.imports, OpenTelemetryModule.forRoot()],
        decorators: (name) => [Span(name)],
      };
    },
  },
};
