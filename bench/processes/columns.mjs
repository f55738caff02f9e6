// What is called in each column of `bench/calls.mjs`, which reads the names here: a package is loaded only by the column that needs
// it, in the process that measures it.
import { AsyncLocalStorage } from 'node:async_hooks';

import { lastValueFrom, Observable } from 'rxjs';

import { decorateMethod } from './decorate.mjs';

const ATTRIBUTES = { method: 'GET', route: '/orders/:id', status: 200 };
const FIELDS = { id: '7' };
const dropping = {
  onStart: () => undefined,
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/** A class whose methods are decorated by what `decorate` makes of a name; a new one each time, since a method is decorated once. */
function serviceWith(decorate) {
  class Service {
    sync(value) {
      return value + 1;
    }

    async wait(value) {
      return value + 1;
    }

    stream(value) {
      return new Observable((subscriber) => {
        subscriber.next(value + 1);
        subscriber.complete();
      });
    }
  }
  if (decorate !== undefined) {
    for (const name of ['sync', 'wait', 'stream']) decorateMethod(Service, name, decorate(`Service.${name}`));
  }
  return new Service();
}

/** The names of the rows; a column may lack some. */
export const ROWS = {
  sync: 'decorated sync method',
  wait: 'decorated async method, awaited',
  stream: 'decorated method of an Observable, subscribed',
  block: 'span around a block',
  blockWithAttributes: 'span around a block, 2 attributes',
  counter: 'counter.add, 3 attributes',
  histogram: 'histogram.record, 3 attributes',
  log: 'log line, 1 field',
};

function methodCalls(service) {
  return {
    sync: () => service.sync(1),
    wait: () => service.wait(1),
    stream: () => lastValueFrom(service.stream(1)),
  };
}

const plain = () => methodCalls(serviceWith());

function bareStorage() {
  const storage = new AsyncLocalStorage();
  const store = {};
  const service = serviceWith();
  return {
    sync: () => storage.run(store, () => service.sync(1)),
    wait: () => storage.run(store, () => service.wait(1)),
    stream: () => storage.run(store, () => lastValueFrom(service.stream(1))),
  };
}

async function startOurs(options) {
  const telemetry = await import('nestjs-telemetry');
  telemetry.configureTelemetry({
    serviceName: 'calls-bench',
    environment: 'production',
    instrumentation: false,
    spanProcessors: [dropping],
    ...options,
  });
  return telemetry;
}

/** Calls of a class with the decorators of these names, which may be more than one on a method. */
async function decorated(...names) {
  const telemetry = await startOurs({ sampling: 1 });
  return methodCalls(
    serviceWith(
      () => (target, key, descriptor) =>
        names.reduce((last, name) => telemetry[name]()(target, key, last) ?? last, descriptor),
    ),
  );
}

async function ours(options) {
  const { getTelemetry, Trace } = await startOurs(options);
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
  const { context, metrics, trace } = await import('@opentelemetry/api');
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

/** By name, how the calls of a column are made: one per row. */
export const COLUMNS = {
  plain,
  'AsyncLocalStorage.run': bareStorage,
  'ours disabled': () => ours({ enabled: false }),
  'ours unsampled': () => ours({ sampling: 0 }),
  'ours sampled': () => ours({ sampling: 1 }),
  'ours, @Counted()': () => decorated('Counted'),
  'ours, @Timed()': () => decorated('Timed'),
  'ours, @Trace() @Counted() @Timed()': () => decorated('Timed', 'Counted', 'Trace'),
  'SDK unsampled': () => sdk(0),
  'SDK sampled': () => sdk(1),
  'nestjs-otel unsampled': () => nestjsOtel(0),
  'nestjs-otel sampled': () => nestjsOtel(1),
};
