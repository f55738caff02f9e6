import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type TracerProvider as ApiTracerProvider,
  ValueType,
} from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

import { startMetricFeed } from '../../../lib/dashboard/feed/metric-feed.js';
import { StorePipeline } from '../../../lib/dashboard/feed/store-pipeline.js';
import { readChart } from '../../../lib/dashboard/sqlite/queries/charts.js';
import { findErrors } from '../../../lib/dashboard/sqlite/queries/errors.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { findTraces } from '../../../lib/dashboard/sqlite/queries/find-traces.js';
import { findInstruments } from '../../../lib/dashboard/sqlite/queries/instruments.js';
import { findServices } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { readResourcesOfTrace, readTrace } from '../../../lib/dashboard/sqlite/queries/read-trace.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { describedAttributes, describeThrown } from '../../../lib/engine/describe-error.js';
import { RecordingTracerProvider } from '../../../lib/engine/recording-tracer-provider.js';
import { keepExemplars } from '../../../lib/metrics-sdk/exemplars.js';
import { OnDemandReader } from '../../../lib/metrics-sdk/on-demand.reader.js';
import { AsyncLocalStorageContextManager } from '../../../lib/runtime/async-local-storage-context-manager.js';
import { PluginLoggerProvider } from '../../../lib/runtime/telemetry-plugin.js';
import { recordFailure } from '../../../lib/tracing/error-policy.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';

const pipelines: StorePipeline[] = [];

afterEach(async () => {
  for (const pipeline of pipelines.splice(0)) await pipeline.close();
  await cleanUp();
});

const resource = resourceFromAttributes({
  'service.name': 'orders',
  'service.version': '1.2.3',
  'deployment.environment.name': 'test',
  'service.instance.id': 'i-1',
});

function openPipeline(store: TelemetryStore): StorePipeline {
  const pipeline = new StorePipeline(store, resource);
  pipelines.push(pipeline);
  return pipeline;
}

function storingProcessor(store: TelemetryStore): SpanProcessor {
  const pipeline = openPipeline(store);
  return {
    onStart: () => undefined,
    onEnd: (span) => {
      pipeline.takeSpan(span);
    },
    forceFlush: () => store.flush(),
    shutdown: () => store.flush(),
  };
}

function storingProvider(store: TelemetryStore, next?: LoggerProvider): PluginLoggerProvider {
  const pipeline = openPipeline(store);
  return new PluginLoggerProvider(
    {
      takeLog: (emitted) => {
        pipeline.takeLog(emitted);
      },
      flush: () => store.flush(),
    },
    next,
  );
}

const ENGINES: [string, (store: TelemetryStore, sampled?: boolean) => ApiTracerProvider][] = [
  [
    'our engine',
    (store, sampled = true) =>
      new RecordingTracerProvider({
        resource,
        sampler: sampled ? new AlwaysOnSampler() : new AlwaysOffSampler(),
        childrenFollowParent: true,
        limits: {},
        spanProcessors: [storingProcessor(store)],
      }),
  ],
  [
    "OpenTelemetry's SDK",
    (store, sampled = true) =>
      new TracerProvider({
        resource,
        sampler: sampled ? new AlwaysOnSampler() : new AlwaysOffSampler(),
        spanProcessors: [storingProcessor(store)],
      }),
  ],
];

describe.each(ENGINES)('spans of %s', (_, createProvider) => {
  it('are in the store with everything they say', async () => {
    const store = openTestStore();
    const tracer = createProvider(store).getTracer('test-scope', '1.0.0');
    const start = Date.now() - 1_000;
    const linked = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: TraceFlags.SAMPLED };
    const remote = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: '0123456789abcdef0123456789abcdef',
      spanId: 'fedcba9876543210',
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    });
    const attributes = Object.freeze({ 'http.request.method': 'GET', 'http.route': '/orders/:id' });
    const root = tracer.startSpan(
      'GET /orders/:id',
      { kind: SpanKind.SERVER, attributes, startTime: start },
      remote,
    );
    const child = tracer.startSpan(
      'SELECT',
      {
        kind: SpanKind.CLIENT,
        startTime: start + 1,
        attributes: { 'a"b': 'quote " and \u2028', n: 1.5, yes: true, list: ['x', 'y'], nan: Number.NaN },
        links: [{ context: linked, attributes: { why: 'because' } }],
      },
      trace.setSpan(remote, root),
    );
    child.addEvent('cache miss', { key: 'k' }, start + 2);
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'refused' });
    child.end(start + 3);
    root.setAttribute('http.response.status_code', 500);
    root.end(start + 10);
    await store.flush();

    const found = store.read((database) => readTrace(database, '0123456789abcdef0123456789abcdef'))!;
    expect(found.summary).toMatchObject({
      name: 'GET /orders/:id',
      service: 'orders',
      route: '/orders/:id',
      status: '500',
      start,
      durationMs: 10,
      errorCount: 1,
    });
    const [server, client] = found.spans;
    expect(server).toMatchObject({
      spanId: root.spanContext().spanId,
      parentSpanId: 'fedcba9876543210',
      scope: 'test-scope',
      kind: 'server',
      status: 'unset',
      events: [],
      links: [],
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/orders/:id',
        'http.response.status_code': 500,
      },
    });
    expect(client).toEqual({
      traceId: '0123456789abcdef0123456789abcdef',
      spanId: child.spanContext().spanId,
      parentSpanId: root.spanContext().spanId,
      service: 'orders',
      scope: 'test-scope',
      name: 'SELECT',
      kind: 'client',
      start: start + 1,
      durationMs: 2,
      status: 'error',
      statusMessage: 'refused',
      attributes: { 'a"b': 'quote " and \u2028', n: 1.5, yes: true, list: ['x', 'y'], nan: 'NaN' },
      events: [{ name: 'cache miss', time: start + 2, attributes: { key: 'k' } }],
      links: [{ traceId: linked.traceId, spanId: linked.spanId, attributes: { why: 'because' } }],
    });
    expect(
      store.read((database) => readResourcesOfTrace(database, '0123456789abcdef0123456789abcdef')),
    ).toMatchObject({ orders: { 'service.version': '1.2.3', 'service.instance.id': 'i-1' } });
    const range = { from: start - 60_000, to: Date.now() + 1 };
    expect(store.read((database) => findServices(database, range))).toMatchObject([
      { name: 'orders', version: '1.2.3', environment: 'test', count: 1 },
    ]);
  });

  it('through which an exception passes are one error, and so is a log line with it outside of traces', async () => {
    const store = openTestStore();
    const tracer = createProvider(store).getTracer('test-scope');
    class StockError extends Error {
      override readonly name = 'StockError';
    }
    const error = new StockError('no stock of 7', { cause: new TypeError('no row') });
    const request = tracer.startSpan('GET /orders', { kind: SpanKind.SERVER });
    const handler = tracer.startSpan('find', {}, trace.setSpan(ROOT_CONTEXT, request));
    for (const span of [handler, request]) {
      recordFailure(span, error);
      span.end();
    }
    storingProvider(store)
      .getLogger('OrderService')
      .emit({
        body: 'failed',
        severityNumber: SeverityNumber.ERROR,
        context: ROOT_CONTEXT,
        attributes: describedAttributes(describeThrown(error)),
      });
    await store.flush();
    const now = Date.now();
    const range = { from: now - 60_000, to: now + 60_000, buckets: 2 };
    const { errors } = store.read((database) => findErrors(database, range));
    expect(errors).toMatchObject([
      {
        type: 'StockError',
        message: 'no stock of 7',
        total: 2,
        firstVersion: '1.2.3',
        sample: { spanId: handler.spanContext().spanId },
      },
    ]);
    expect(errors[0]!.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  it('are not there when they are not sampled', async () => {
    const store = openTestStore();
    createProvider(store, false).getTracer('t').startSpan('none').end();
    await store.flush();
    expect(store.read((database) => findTraces(database)).items).toEqual([]);
  });

  it('are cut where a text would fill the store', async () => {
    const store = openTestStore();
    const span = createProvider(store).getTracer('t').startSpan('big');
    span.setAttribute('text', 'x'.repeat(1_000_000));
    span.end();
    await store.flush();
    const [{ traceId } = { traceId: '' }] = store.read((database) => findTraces(database)).items;
    const [stored] = store.read((database) => readTrace(database, traceId))!.spans;
    expect(stored?.attributes.text).toHaveLength(16_385);
  });
});

describe('PluginLoggerProvider before the store', () => {
  const span = (store: TelemetryStore): Context =>
    trace.setSpan(ROOT_CONTEXT, ENGINES[0]![1](store).getTracer('t').startSpan('s'));

  it('puts records into the store without another processor', async () => {
    const store = openTestStore();
    const provider = storingProvider(store);
    const active = span(store);
    provider.getLogger('OrderService').emit({
      severityNumber: SeverityNumber.WARN2,
      body: 'Stock is low',
      attributes: { context: 'OrderService', sku: 'a-1', nested: { left: 3 } },
      timestamp: 1_790_000_000_500,
      context: active,
    });
    await provider.forceFlush();
    const { traceId, spanId } = trace.getSpanContext(active)!;
    expect(store.read((database) => findLogs(database)).items).toMatchObject([
      {
        time: 1_790_000_000_500,
        level: 'warn',
        service: 'orders',
        context: 'OrderService',
        message: 'Stock is low',
        traceId,
        spanId,
        attributes: { sku: 'a-1', nested: { left: 3 } },
      },
    ]);
  });

  it('knows every level and any body', async () => {
    const store = openTestStore();
    const logger = storingProvider(store).getLogger('nestjs-telemetry');
    const { TRACE, DEBUG, INFO, WARN, ERROR, FATAL, FATAL4 } = SeverityNumber;
    for (const severityNumber of [TRACE, DEBUG, INFO, WARN, ERROR, FATAL, FATAL4, undefined])
      logger.emit({
        ...(severityNumber !== undefined && { severityNumber }),
        body: { severityNumber: severityNumber ?? 0 },
      });
    logger.emit({ context: trace.setSpanContext(ROOT_CONTEXT, INVALID_SPAN_CONTEXT) });
    await store.flush();
    const logs = store.read((database) => findLogs(database)).items.toReversed();
    expect(logs.map(({ level }) => level)).toEqual([
      'trace',
      'debug',
      'info',
      'warn',
      'error',
      'fatal',
      'fatal',
      'info',
      'info',
    ]);
    expect(logs[0]).toMatchObject({
      message: '{"severityNumber":1}',
      context: undefined,
      traceId: undefined,
    });
    expect(logs.at(-1)).toMatchObject({ message: '', traceId: undefined, attributes: {} });
  });

  it('hands records on to those who export them, and leaves out what exporters log', async () => {
    const store = openTestStore();
    const exporter = new InMemoryLogRecordExporter();
    const next = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    const logger = storingProvider(store, next).getLogger('a');
    logger.emit({ body: 'both' });
    logger.emit({ body: 'one', context: suppressTracing(ROOT_CONTEXT) });
    await store.flush();
    await next.forceFlush();
    expect(exporter.getFinishedLogRecords().map(({ body }) => body)).toEqual(['both', 'one']);
    expect(store.read((database) => findLogs(database)).items.map(({ message }) => message)).toEqual([
      'both',
    ]);
    await next.shutdown();
  });
});

describe('startMetricFeed()', () => {
  let store: TelemetryStore;
  let provider: MeterProvider;
  let reader: OnDemandReader;

  beforeEach(() => {
    store = openTestStore();
    reader = new OnDemandReader();
    provider = new MeterProvider({ resource, readers: [reader] });
  });

  afterEach(() => provider.shutdown());

  const rowsOf = () =>
    store.read((database) =>
      database.all<{ name: string; attributes: string; value: number; count: number }>(
        `SELECT name, series.attributes, value, count FROM points JOIN series ON series.id = points.series
         JOIN instruments ON instruments.id = series.instrument WHERE level = 0 ORDER BY points.time, name`,
      ),
    );

  it('stores what was added since the last time, and nothing where nothing was', async () => {
    const feed = startMetricFeed(store, reader, 60_000);
    const counter = provider.getMeter('m').createCounter('orders');
    counter.add(3, { b: 1, a: 'x' });
    await feed.collect();
    counter.add(4, { a: 'x', b: 1 });
    await feed.collect();
    await feed.collect();
    await feed.stop();
    await store.flush();
    expect(rowsOf()).toEqual([
      { name: 'orders', attributes: '{"a":"x","b":1}', value: 3, count: 0 },
      { name: 'orders', attributes: '{"a":"x","b":1}', value: 4, count: 0 },
    ]);
  });

  it('distinguishes instruments by their kind, and stores a level that does not change once', async () => {
    const feed = startMetricFeed(store, reader, 60_000);
    const meter = provider.getMeter('m');
    meter.createUpDownCounter('open').add(2);
    meter.createGauge('size', { valueType: ValueType.INT }).record(7);
    meter.createHistogram('took', { advice: { explicitBucketBoundaries: [1, 2] } }).record(1.5);
    await feed.collect();
    await feed.collect();
    await feed.stop();
    await store.flush();
    expect(store.read((database) => findInstruments(database)).map(({ name, type }) => [name, type])).toEqual(
      [
        ['open', 'updowncounter'],
        ['size', 'gauge'],
        ['took', 'histogram'],
      ],
    );
    expect(rowsOf()).toMatchObject([{ value: 2 }, { value: 7 }, { value: 1.5, count: 1 }]);
  });

  it('leads from a histogram to the trace that was measured', async () => {
    keepExemplars(true);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    try {
      const feed = startMetricFeed(store, reader, 60_000);
      const histogram = provider.getMeter('m').createHistogram('took');
      const tracer = ENGINES[0]![1](store).getTracer('t');
      const span = tracer.startSpan('measured');
      context.with(trace.setSpan(ROOT_CONTEXT, span), () => {
        histogram.record(12);
      });
      span.end();
      await feed.stop();
      await store.flush();
      await store.flush();
      const [instrument] = store.read((database) => findInstruments(database));
      const chart = store.read((database) =>
        readChart(database, {
          instrument: instrument!.id,
          from: Date.now() - 60_000,
          to: Date.now() + 1,
          buckets: 6,
        }),
      );
      // The only value is both the lowest and the highest, whatever the boundaries are.
      const drawn = chart?.series.map(({ values }) => values.filter((value) => value !== null));
      expect(drawn).toEqual([[12], [12], [12]]);
      expect(chart?.exemplars).toMatchObject([
        {
          value: 12,
          traceId: span.spanContext().traceId,
          spanId: span.spanContext().spanId,
          label: 'measured',
        },
      ]);
    } finally {
      keepExemplars(false);
      context.disable();
    }
  });

  it('collects by itself', async () => {
    const feed = startMetricFeed(store, reader, 20);
    provider.getMeter('m').createCounter('orders').add(1);
    await eventually(() => store.read(readStore).points === 1);
    await feed.stop();
  });
});
