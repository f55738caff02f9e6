// Nanoseconds per call of what an application writes, beside the raw SDK, a peer, and what the language itself costs.
//
//   node bench/calls.mjs [--rounds 3] [--as-is]      (`--as-is` as in bench/run.mjs)
//
// Each column is a process of its own (the SDK can be started once), told its name; rounds are interleaved and the best
// one counts, since other work on the machine can only make a call slower. Spans go to a processor that drops them: what
// exporting costs is in bench/run.mjs. Lines go to the null device.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { context, metrics, trace } from '@opentelemetry/api';

import { startChild } from './child.mjs';
import { decorateMethod } from './decorate.mjs';
import { installBench } from './install.mjs';
import { renderTable } from './table.mjs';

const ATTRIBUTES = { method: 'GET', route: '/orders/:id', status: 200 };
const FIELDS = { id: '7' };
const dropping = {
  onStart: () => undefined,
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/** A class whose `sync` and `wait` are decorated as told; a new one each time, since a method is decorated once. */
function serviceWith(decorate) {
  class Service {
    sync(value) {
      return value + 1;
    }

    async wait(value) {
      return value + 1;
    }
  }
  if (decorate !== undefined) {
    for (const name of ['sync', 'wait']) decorateMethod(Service, name, decorate(`Service.${name}`));
  }
  return new Service();
}

/** The names of the rows; a column may lack some. */
const ROWS = {
  sync: 'decorated sync method',
  wait: 'decorated async method, awaited',
  block: 'span around a block',
  blockWithAttributes: 'span around a block, 2 attributes',
  counter: 'counter.add, 3 attributes',
  histogram: 'histogram.record, 3 attributes',
  log: 'log line, 1 field',
};

function methodCalls(service) {
  return { sync: () => service.sync(1), wait: () => service.wait(1) };
}

const plain = () => methodCalls(serviceWith());

function bareStorage() {
  const storage = new AsyncLocalStorage();
  const store = {};
  const service = serviceWith();
  return {
    sync: () => storage.run(store, () => service.sync(1)),
    wait: () => storage.run(store, () => service.wait(1)),
  };
}

async function ours(options) {
  const { configureTelemetry, getTelemetry, Trace } = await import('nestjs-telemetry');
  configureTelemetry({
    serviceName: 'calls-bench',
    environment: 'production',
    instrumentation: false,
    spanProcessors: [dropping],
    ...options,
  });
  const telemetry = getTelemetry('calls');
  const counter = telemetry.counter('calls');
  const histogram = telemetry.histogram('durations');
  const run = () => 1;
  return {
    ...methodCalls(serviceWith(() => Trace())),
    block: () => telemetry.trace('block', run),
    blockWithAttributes: () => telemetry.trace('block', { table: 'users', op: 'select' }, run),
    counter: () => {
      counter.add(1, ATTRIBUTES);
    },
    histogram: () => {
      histogram.record(0.012, ATTRIBUTES);
    },
    log: () => {
      telemetry.logInfo('order read', FIELDS);
    },
  };
}

/** The SDK's own providers and context manager, and pino with the ids mixed in. */
async function sdk(ratio) {
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } =
    await import('@opentelemetry/sdk-trace');
  const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
  const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus');
  const { pino } = await import('pino');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  trace.setGlobalTracerProvider(new TracerProvider({ sampler, spanProcessors: [dropping] }));
  metrics.setGlobalMeterProvider(
    new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] }),
  );
  const tracer = trace.getTracer('calls');
  const meter = metrics.getMeter('calls');
  const counter = meter.createCounter('calls');
  const histogram = meter.createHistogram('durations');
  const logger = pino({
    mixin: () => {
      const spanContext = trace.getActiveSpan()?.spanContext();
      return spanContext === undefined ? {} : { trace_id: spanContext.traceId, span_id: spanContext.spanId };
    },
  });
  const service = serviceWith();
  const endAfter = (span, value) => {
    span.end();
    return value;
  };
  return {
    sync: () => tracer.startActiveSpan('Service.sync', (span) => endAfter(span, service.sync(1))),
    wait: () => tracer.startActiveSpan('Service.wait', async (span) => endAfter(span, await service.wait(1))),
    block: () => tracer.startActiveSpan('block', (span) => endAfter(span, 1)),
    blockWithAttributes: () =>
      tracer.startActiveSpan('block', { attributes: { table: 'users', op: 'select' } }, (span) =>
        endAfter(span, 1),
      ),
    counter: () => {
      counter.add(1, ATTRIBUTES);
    },
    histogram: () => {
      histogram.record(0.012, ATTRIBUTES);
    },
    log: () => {
      logger.info(FIELDS, 'order read');
    },
  };
}

async function nestjsOtel(ratio) {
  await sdk(ratio);
  const { Span } = await import('nestjs-otel');
  return methodCalls(serviceWith((name) => Span(name)));
}

const COLUMNS = {
  plain,
  'AsyncLocalStorage.run': bareStorage,
  'ours disabled': () => ours({ enabled: false }),
  'ours unsampled': () => ours({ sampling: 0 }),
  'ours sampled': () => ours({ sampling: 1 }),
  'SDK unsampled': () => sdk(0),
  'SDK sampled': () => sdk(1),
  'nestjs-otel unsampled': () => nestjsOtel(0),
  'nestjs-otel sampled': () => nestjsOtel(1),
};

const BATCH_MS = 60;
const BATCHES = 8;
const WARMUP_MS = 300;

/** Keeps the optimiser from dropping what nobody reads. */
let blackHole;

function syncBatch(call, count) {
  const started = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) blackHole = call();
  return Number(process.hrtime.bigint() - started) / count;
}

async function asyncBatch(call, count) {
  const started = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) blackHole = await call();
  return Number(process.hrtime.bigint() - started) / count;
}

const LINES_PER_TURN = 500;

/** Lines a turn of the event loop at a time, writing included: a destination may collect those of one turn, or drop them. */
async function lineBatch(call, count) {
  const started = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) {
    blackHole = call();
    if (index % LINES_PER_TURN === LINES_PER_TURN - 1) await nextTurn();
  }
  await nextTurn();
  return Number(process.hrtime.bigint() - started) / count;
}

const batchFor = (row) => (row === 'wait' ? asyncBatch : row === 'log' ? lineBatch : syncBatch);

async function nanosecondsPerCall(call, batch) {
  const started = performance.now();
  let last = 0;
  while (performance.now() - started < WARMUP_MS) last = await batch(call, 2_000);
  const count = Math.max(1_000, Math.round((BATCH_MS * 1e6) / last));
  let best = Infinity;
  for (let index = 0; index < BATCHES; index += 1) {
    best = Math.min(best, await batch(call, count));
  }
  return best;
}

/** In the child: measures one column inside an active span, as in a request. */
async function measureColumn(name) {
  const calls = await COLUMNS[name]();
  const measured = {};
  for (const row of Object.keys(ROWS)) {
    const call = calls[row];
    if (call === undefined) continue;
    measured[row] = await trace.getTracer('bench').startActiveSpan('request', async (parent) => {
      const nanoseconds = await nanosecondsPerCall(call, batchFor(row));
      parent.end();
      return nanoseconds;
    });
  }
  process.send({ command: 'measured', measured, ignored: typeof blackHole });
  process.disconnect();
  process.exit(0);
}

async function main() {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, 'as-is': { type: 'boolean', default: false } },
  });
  if (!values['as-is']) installBench();
  const best = new Map(Object.keys(COLUMNS).map((name) => [name, {}]));
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [name, row] of best) {
      const child = startChild('./calls.mjs', ['--column', name]);
      const { measured } = await child.answer('measured');
      await child.stop();
      for (const [key, value] of Object.entries(measured)) row[key] = Math.min(row[key] ?? Infinity, value);
    }
  }
  const rows = [...best].map(([name, row]) => [
    name,
    ...Object.keys(ROWS).map((key) => (row[key] === undefined ? '' : row[key].toFixed(0))),
  ]);
  console.log('Nanoseconds per call\n');
  console.log(renderTable(['', ...Object.values(ROWS)], rows));
}

const column = process.argv.indexOf('--column');
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await (column === -1 ? main() : measureColumn(process.argv[column + 1]));
}
