// A service that starts an OpenTelemetry SDK as the argument says, as a file for --require does, then NestJS with or without the
// module. Prints how one request was recorded. On NestJS 11 everything is CommonJS, on NestJS 12 NestJS is ESM.
//
//   { "sdk": ["http", "express"], "passed": [], "module": true, "adapter": "express" }
//
// `sdk`: instrumentations of a NodeSDK, null without one; `passed`: those of the option `instrumentations`.
const { once } = require('node:events');
const { createServer } = require('node:net');

const { context, ROOT_CONTEXT, trace } = require('@opentelemetry/api');
const { suppressTracing } = require('@opentelemetry/core');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');
const { InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace');

const { sdk, passed = [], module: hasModule = true, adapter = 'express' } = JSON.parse(process.argv[2]);

const INSTRUMENTATIONS = {
  http: () => new (require('@opentelemetry/instrumentation-http').HttpInstrumentation)(),
  express: () => new (require('@opentelemetry/instrumentation-express').ExpressInstrumentation)(),
  fastify: () =>
    new (require('@fastify/otel').FastifyOtelInstrumentation)({ registerOnInitialization: true }),
  'nestjs-core': () => new (require('@opentelemetry/instrumentation-nestjs-core').NestInstrumentation)(),
};
const create = (names) => names.map((name) => INSTRUMENTATIONS[name]());

const warnings = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));

/** What the SDK sends, and what the module sends. */
const exporters = { sdk: new InMemorySpanExporter(), module: new InMemorySpanExporter() };
const measurements = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measurements, exportIntervalMillis: 3_600_000 });

if (sdk) {
  const { NodeSDK } = require('@opentelemetry/sdk-node');
  new NodeSDK({
    serviceName: 'orders',
    spanProcessors: [new SimpleSpanProcessor({ exporter: exporters.sdk })],
    metricReaders: [reader],
    logRecordProcessors: [],
    instrumentations: create(sdk),
  }).start();
}

// Only now: the SDK patches what is loaded after its start.
const http = require('node:http');

const { Controller, Get, Module, Param } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { FastifyAdapter } = require('@nestjs/platform-fastify');
const { TelemetryModule } = require('nestjs-telemetry');

let stock;

class OrdersController {
  async find(id) {
    const [answer] = await once(http.get(stock), 'response');
    for await (const chunk of answer) void chunk;
    return { id, traceId: trace.getActiveSpan()?.spanContext().traceId };
  }
}
Get(':id')(
  OrdersController.prototype,
  'find',
  Object.getOwnPropertyDescriptor(OrdersController.prototype, 'find'),
);
Param('id')(OrdersController.prototype, 'find', 0);
Controller('orders')(OrdersController);

class AppModule {}
Module({
  imports: hasModule
    ? [
        TelemetryModule.forRoot({
          serviceName: 'orders',
          logging: false,
          dashboard: false,
          spanProcessors: [new SimpleSpanProcessor({ exporter: exporters.module })],
          instrumentations: create(passed),
        }),
      ]
    : [],
  controllers: [OrdersController],
})(AppModule);

/** As a client of another process. */
const outside = suppressTracing(ROOT_CONTEXT);
const ask = (url) =>
  context.with(outside, () =>
    fetch(url, { headers: { connection: 'close' } }).then((answer) => answer.text()),
  );

const listen = async (server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${server.address().port}`;
};

async function main() {
  // Another service, which no instrumentation of this process can see.
  const other = createServer((socket) => {
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n7'),
    );
  });
  stock = await listen(other);
  const options = { logger: false, abortOnError: false };
  const app =
    adapter === 'fastify'
      ? await NestFactory.create(AppModule, new FastifyAdapter(), options)
      : await NestFactory.create(AppModule, options);
  await app.listen(0, '127.0.0.1');
  const origin = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  const { traceId } = JSON.parse(await ask(`${origin}/orders/7`));
  const spansOf = (exporter) =>
    exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  const isRoot = (span) => span.parentSpanContext === undefined;
  const from = hasModule ? exporters.module : exporters.sdk;
  while (!spansOf(from).some(isRoot)) await new Promise((resolve) => setTimeout(resolve, 5));
  const scraped = hasModule ? await ask(`${origin}/metrics`) : '';
  await reader.forceFlush().catch(() => undefined);
  process.stdout.write(
    JSON.stringify({
      nest: require('@nestjs/core/package.json').version,
      sent: spansOf(exporters.sdk).map(describe),
      recorded: spansOf(exporters.module).map(describe),
      scraped: scraped.split('\n').filter((line) => /^http_server_.*duration.*_count/.test(line)),
      measured: measurements
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ scope, metrics }) => metrics.map(({ descriptor }) => `${scope.name} ${descriptor.name}`))
        .filter((name) => name.includes('http.server.')),
      warnings,
    }),
  );
  process.exit(0);
}

function describe({ name, kind, attributes, parentSpanContext, instrumentationScope, events }) {
  return {
    name,
    kind,
    attributes,
    parentSpanContext,
    scope: instrumentationScope.name,
    events: events.map((event) => event.name),
  };
}

main();
