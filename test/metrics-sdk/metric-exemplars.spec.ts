import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

import { ROOT_CONTEXT, type Span, trace, ValueType } from '@opentelemetry/api';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  AggregationType,
  type DataPoint,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

import { type OtlpTarget } from '../../lib/config/otlp.js';
import { DashboardServer } from '../../lib/dashboard/dashboard-server.js';
import { createSqliteReader } from '../../lib/dashboard/sqlite/sqlite-reader.js';
import { createOtlpMetricExporter } from '../../lib/exporters/otlp/otlp-metric-exporter.js';
import { addToJson, addToProtobuf } from '../../lib/metrics-sdk/add-exemplars-to-otlp.js';
import { rememberAttributeHashes } from '../../lib/metrics-sdk/attribute-hashes.js';
import { keepExemplars } from '../../lib/metrics-sdk/exemplars.js';
import { OnDemandReader } from '../../lib/metrics-sdk/on-demand.reader.js';
import { cleanUp, openTestStore } from '../dashboard/sqlite/open-test-store.js';
import { spanOf } from '../dashboard/sqlite/sample-rows.js';
import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import { OTLP_PROTOCOLS, startReceiver, targetFor } from '../exporters/otlp/otlp-cases.js';
import { closeReceivers } from '../exporters/otlp/otlp-receiver.js';
import { tracerProvider } from '../exporters/support/trace-provider.js';

interface Exemplar {
  readonly timeUnixNano: string;
  readonly asDouble: number;
  readonly spanId: string;
  readonly traceId: string;
}

interface Point {
  readonly exemplars?: readonly Exemplar[];
}

type Metric = { readonly name: string } & Partial<
  Record<'gauge' | 'sum' | 'histogram' | 'exponentialHistogram', { readonly dataPoints: readonly Point[] }>
>;

const startSpan = (): Span => tracerProvider([], 'fast').getTracer('t').startSpan('work');

const inside = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);

/** Exemplars of each metric of a request. */
function exemplarsIn(request: object): Record<string, readonly Exemplar[]> {
  const { resourceMetrics } = request as {
    resourceMetrics: { scopeMetrics: { metrics: Metric[] }[] }[];
  };
  const metrics = resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics);
  return Object.fromEntries(
    metrics.map(({ name, gauge, sum, histogram, exponentialHistogram }) => [
      name,
      [gauge, sum, histogram, exponentialHistogram].flatMap((data) =>
        (data?.dataPoints ?? []).flatMap(({ exemplars = [] }) => exemplars),
      ),
    ]),
  );
}

function metersOf(target: OtlpTarget) {
  const exporter = createOtlpMetricExporter(target, 2 ** 20);
  // Whoever tests asks for each export.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  return new MeterProvider({ readers: [reader] });
}

/** A decoded request without them. */
function withoutExemplars(request: object): unknown {
  return JSON.parse(
    JSON.stringify(request, (key, value: unknown) => (key === 'exemplars' ? undefined : value)),
  );
}

describe('exemplars of metrics that are sent by OTLP', () => {
  beforeAll(() => {
    keepExemplars(true);
  });
  afterAll(async () => {
    keepExemplars(false);
    await cleanUp();
  });
  afterEach(closeReceivers);

  it.each(OTLP_PROTOCOLS)(
    'go with the data points of their series over %s, each of them once',
    async (protocol) => {
      const receiver = await startReceiver(protocol);
      const provider = metersOf(targetFor(receiver, protocol, 'metrics'));
      const meter = provider.getMeter('OrderService');
      const counter = meter.createCounter('requests');
      const durations = meter.createHistogram('durations', {
        advice: { explicitBucketBoundaries: [100, 500] },
      });
      meter.createObservableGauge('depth').addCallback((result) => {
        result.observe(3);
      });
      const spans = [startSpan(), startSpan()] as const;
      const before = Date.now();
      counter.add(1, { method: 'GET' }, inside(spans[0]));
      counter.add(1, { method: 'POST' });
      durations.record(20, {}, inside(spans[0]));
      durations.record(150.5, {}, inside(spans[1]));
      await provider.forceFlush();
      counter.add(1, { method: 'GET' });
      await provider.shutdown();

      const [first, second] = receiver.requests.map(({ body }) =>
        exemplarsIn(
          protocol === 'http/json' ? (JSON.parse(body.toString()) as object) : decodeOtlp('metrics', body),
        ),
      );
      const exemplarOf = (span: Span, asDouble: number) => {
        const { traceId, spanId } = span.spanContext();
        return { traceId, spanId, asDouble, timeUnixNano: expect.stringMatching(/^\d{19}$/) as string };
      };
      expect(first).toEqual({
        requests: [exemplarOf(spans[0], 1)],
        durations: [exemplarOf(spans[0], 20), exemplarOf(spans[1], 150.5)],
        depth: [],
      });
      const time = Number(BigInt(first!.requests![0]!.timeUnixNano) / 1_000_000n);
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(Date.now());
      expect(second).toEqual({ requests: [], durations: [], depth: [] });
    },
  );

  it("arrive in the store by the dashboard's receiver", async () => {
    const store = openTestStore();
    const config = {
      path: '/t',
      token: undefined,
      allowRemote: false,
      allowedHosts: [],
      otlp: true,
      mcp: false,
      profiling: false,
    };
    const dashboard = new DashboardServer({
      config: { ...config, editor: undefined, clickhouse: undefined },
      token: undefined,
      reader: createSqliteReader(store),
      sink: store,
      work: (steps) => store.work(steps),
      instrumentations: () => [],
      libraries: () => [],
      running: () => [],
      process: undefined,
    });
    const server = createServer((request, response) => void dashboard.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/t/otlp/v1/metrics`;
    try {
      for (const protocol of ['http/protobuf', 'http/json'] as const) {
        const span = startSpan();
        const { traceId, spanId } = span.spanContext();
        store.addSpan(spanOf({ traceId, spanId }));
        const provider = metersOf({ url, protocol, headers: {} });
        const counter = provider.getMeter(protocol).createCounter('requests');
        counter.add(1);
        // What came before the first report is not counted.
        await provider.forceFlush();
        counter.add(2, {}, inside(span));
        await provider.shutdown();
        await store.flush();
        const known = store.read((database) =>
          database.all(
            `SELECT exemplars.value, lower(hex(traces.trace_id)) AS traceId, lower(hex(span_id)) AS spanId
             FROM exemplars JOIN traces ON traces.id = exemplars.trace`,
          ),
        );
        expect(known).toContainEqual({ value: 2, traceId, spanId });
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('are not sent where none are kept, and nothing else is changed then', async () => {
    const metrics = await collectEveryKind();
    const none = metrics.scopeMetrics.flatMap(({ metrics: of }) =>
      of.flatMap(({ dataPoints }) => dataPoints.map(() => [])),
    );
    const protobuf = ProtobufMetricsSerializer.serializeRequest(metrics)!;
    const json = JsonMetricsSerializer.serializeRequest(metrics)!;
    expect(Buffer.from(addToProtobuf(protobuf, none))).toEqual(Buffer.from(protobuf));
    expect(JSON.parse(Buffer.from(addToJson(json, none)).toString())).toEqual(
      JSON.parse(Buffer.from(json).toString()),
    );
    // Whoever counts otherwise would give them to the wrong series.
    expect(addToProtobuf(protobuf, none.slice(1))).toBe(protobuf);
    expect(addToJson(json, none.slice(1))).toBe(json);
  });

  it('leave everything else in the request as it was', async () => {
    const metrics = await collectEveryKind();
    const exemplar = {
      traceId: '0'.repeat(31) + '1',
      spanId: '0'.repeat(15) + '2',
      value: 1.5,
      time: Date.now(),
    };
    const one = metrics.scopeMetrics.flatMap(({ metrics: of }) =>
      of.flatMap(({ dataPoints }) => dataPoints.map(() => [exemplar, exemplar])),
    );
    const protobuf = ProtobufMetricsSerializer.serializeRequest(metrics)!;
    const withExemplars = decodeOtlp('metrics', Buffer.from(addToProtobuf(protobuf, one)));
    expect(withoutExemplars(withExemplars)).toEqual(
      withoutExemplars(decodeOtlp('metrics', Buffer.from(protobuf))),
    );
    for (const [name, given] of Object.entries(exemplarsIn(withExemplars)))
      expect([name, given.length]).toEqual([name, name === 'requests' ? 400 : 2]);
  });
});

/** Series enough that lengths take several bytes, of each kind of instrument, with texts that are not ASCII. */
async function collectEveryKind(): Promise<ResourceMetrics> {
  const reader = new OnDemandReader();
  const provider = new MeterProvider({
    readers: [reader],
    views: [{ instrumentName: 'sizes', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter('OrderService', '1.0.0', { schemaUrl: 'https://example.com/schema' });
  const counter = meter.createCounter('requests', { unit: '1', description: 'Anfragen, alle – ✓' });
  for (let index = 0; index < 200; index += 1) counter.add(index, { index, name: `größe ${index}` });
  meter.createUpDownCounter('depth', { valueType: ValueType.INT }).add(-5);
  meter.createGauge('level').record(0.25);
  for (const value of [1, 20, 300, 4_000]) {
    meter.createHistogram('durations').record(value, { list: 'a' });
    meter.createHistogram('sizes').record(value);
  }
  provider
    .getMeter('Other')
    .createCounter('others')
    .add(2 ** 40);
  return (await reader.collect()).resourceMetrics;
}

describe('rememberAttributeHashes()', () => {
  let reader: OnDemandReader;
  beforeEach(() => {
    reader = new OnDemandReader();
  });
  const counter = (name: string) =>
    new MeterProvider({ readers: [reader] }).getMeter('t').createCounter(name);

  async function series(): Promise<[unknown, number][]> {
    const { resourceMetrics } = await reader.collect();
    const points = resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints as DataPoint<number>[];
    return points.map(({ attributes, value }) => [attributes, value]);
  }

  it('fits the SDK that is installed, and may be asked for again', () => {
    expect(rememberAttributeHashes()).toBe(true);
    expect(rememberAttributeHashes()).toBe(true);
  });

  it('finds one series for the same attributes, frozen or not, in any order and over collections', async () => {
    rememberAttributeHashes();
    const frozen = Object.freeze({ route: '/orders/:id', method: 'GET' });
    const requests = counter('requests');
    requests.add(1, frozen);
    requests.add(1, frozen);
    requests.add(1, { method: 'GET', route: '/orders/:id' });
    expect(await series()).toEqual([[frozen, 3]]);
    requests.add(1, frozen);
    expect(await series()).toEqual([[frozen, 4]]);
  });

  it('separates the values of one object that changes, and values that print alike', async () => {
    rememberAttributeHashes();
    const requests = counter('changing');
    const attributes: Record<string, string | number> = { status: 200, route: '/' };
    for (const status of [200, '200', 404, 200]) {
      attributes.status = status;
      requests.add(1, attributes);
    }
    // The SDK shows the object that it was given, with its last values.
    expect((await series()).map(([, value]) => value)).toEqual([2, 1, 1]);
  });

  it('counts each value of an attribute with more values than it remembers', async () => {
    rememberAttributeHashes();
    const requests = counter('many');
    for (const round of [1, 2]) for (let id = 0; id < 600; id += 1) requests.add(round, { id, route: '/' });
    const points = await series();
    expect(points).toHaveLength(600);
    expect(points.every(([, value]) => value === 3)).toBe(true);
  });
});
