import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { metrics, type ObservableCallback, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  type IMetricReader,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  configureTelemetry,
  getTelemetry,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';

import { seriesLimitReports } from '../../lib/metrics-sdk/limit-series.js';
import { currentRuntime } from '../../lib/runtime/sdk-runtime.js';
import { cleanUp, newFolder, openTestStore } from '../dashboard/sqlite/open-test-store.js';
import { decodeOtlp } from '../exporters/otlp/decode-otlp.js';
import { closeReceivers, startHttpReceiver } from '../exporters/otlp/otlp-receiver.js';
import { renderText } from '../exporters/prometheus/render-text.js';
import { collectWarnings } from '../exporters/support/collect-warnings.js';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';
const OVERFLOW = { 'otel.metric.overflow': true };

let running: TelemetryHandle | undefined;
let warnings: ReturnType<typeof collectWarnings>;

beforeEach(() => {
  warnings = collectWarnings();
});
afterEach(async () => {
  await running?.shutdown();
  running = undefined;
  await closeReceivers();
  await cleanUp();
  warnings.restore();
});

function start(options: TelemetryOptions = {}): void {
  running = configureTelemetry({
    serviceName: 'shop',
    environment: 'test',
    logging: false,
    dashboard: false,
    store: false,
    instrumentation: { runtimeMetrics: false },
    ...options,
  });
}

/** A reader whose export is asked for by hand. */
function manualReader(temporality: AggregationTemporality, cardinalityLimits?: { default: number }) {
  const exporter = new InMemoryMetricExporter(temporality);
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 3_600_000,
    ...(cardinalityLimits && { cardinalityLimits }),
  });
  const points = async (name: string): Promise<DataPoint<number | Histogram>[]> => {
    exporter.reset();
    await reader.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap((scope) => scope.metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as DataPoint<number | Histogram>[]);
  };
  return { reader: reader as IMetricReader, points };
}

async function scrape(accept?: string): Promise<string> {
  const { statusCode, body } = await renderText(currentRuntime()!.prometheus!, accept);
  expect(statusCode).toBe(200);
  return body;
}

const samplesOf = (body: string, name: string): { labels: string; value: number }[] =>
  [...body.matchAll(new RegExp(`^${name}(\\{[^}]*\\})? (\\S+)`, 'gm'))].map(([, labels = '', value]) => ({
    labels,
    value: Number(value),
  }));
const total = (values: readonly { value: unknown }[]): number =>
  values.reduce((sum, { value }) => sum + (value as number), 0);

describe.each(['fast', 'sdk'] as const)('an instrument with too many series (engine %s)', (engine) => {
  it('has 2,000 series at most over its life, with right sums, and warns once', async () => {
    start({ engine });
    const visits = getTelemetry('shop').counter('visits_total');
    const sizes: number[] = [];
    for (let collection = 0; collection < 20; collection += 1) {
      for (let user = 0; user < 5_000; user += 1)
        visits.add(1, { 'user.id': `u${collection * 5_000 + user}`, plan: user % 2 === 0 ? 'free' : 'paid' });
      sizes.push((await scrape()).length);
    }

    for (const format of [undefined, OPENMETRICS]) {
      const samples = samplesOf(await scrape(format), 'visits_total');
      expect(samples).toHaveLength(2_000);
      expect(total(samples)).toBe(100_000);
      expect(samples.filter(({ labels }) => labels === '{otel_metric_overflow="true"}')).toEqual([
        { labels: '{otel_metric_overflow="true"}', value: 100_000 - 1_999 },
      ]);
    }
    // A few more digits in the value of one series.
    expect(sizes.at(-1)! - sizes[0]!).toBeLessThan(100);
    expect(warnings.messages).toEqual([
      expect.stringMatching(
        /'visits_total' has reached its limit of 2,000 series.*'user\.id' has the most distinct values \(1,999\).*cardinalityLimits: \{ "visits_total": 20000 \}/,
      ),
    ]);
    expect(seriesLimitReports()).toEqual([
      { instrument: 'visits_total', limit: 2_000, attribute: 'user.id', values: 1_999, overflowed: 98_001 },
    ]);
  });

  it('shows the same to Prometheus, OTLP, the store and readers of either temporality', async () => {
    const receiver = await startHttpReceiver();
    const cumulative = manualReader(AggregationTemporality.CUMULATIVE);
    const delta = manualReader(AggregationTemporality.DELTA);
    const file = join(newFolder(), 'telemetry.db');
    start({
      engine,
      cardinalityLimit: 10,
      otlpEndpoint: `http://127.0.0.1:${receiver.port}`,
      store: { file },
      metricReaders: [cumulative.reader, delta.reader],
    });
    // The API of OpenTelemetry, as other libraries use it.
    const meter = metrics.getMeter('other-library');
    const orders = meter.createCounter('orders');
    const prices = meter.createHistogram('prices', { advice: { explicitBucketBoundaries: [10, 50] } });
    const seen = { orders: 0, delta: 0, deltaCount: 0, prices: 0 };
    for (let collection = 0; collection < 3; collection += 1) {
      for (let user = 0; user < 20; user += 1) {
        const id = collection * 20 + user;
        orders.add(id, { id });
        prices.record(id, { id });
        seen.orders += id;
      }
      seen.delta += total(await delta.points('orders'));
      for (const { value } of await delta.points('prices')) seen.deltaCount += (value as Histogram).count;
    }

    const points = await cumulative.points('orders');
    expect(points).toHaveLength(10);
    expect(total(points)).toBe(seen.orders);
    expect(points.map(({ attributes }) => attributes)).toEqual([
      ...Array.from({ length: 9 }, (_, id) => ({ id })),
      OVERFLOW,
    ]);
    expect(seen.delta).toBe(seen.orders);
    const buckets = await cumulative.points('prices');
    expect(buckets).toHaveLength(10);
    const histograms = buckets.map(({ value }) => value as Histogram);
    expect(histograms.reduce((sum, { count }) => sum + count, 0)).toBe(60);
    expect(histograms.reduce((sum, each) => sum + each.sum!, 0)).toBe(seen.orders);

    const samples = samplesOf(await scrape(OPENMETRICS), 'orders_total');
    expect(samples).toHaveLength(10);
    expect(total(samples)).toBe(seen.orders);

    await running!.flush();
    const stored = openTestStore({ file }).read((database) =>
      database.all<{ attributes: string; total: number }>(
        `SELECT series.attributes, sum(points.value) AS total FROM points JOIN series ON series.id = points.series
         JOIN instruments ON instruments.id = series.instrument
         WHERE instruments.name = 'orders' AND points.level = 0 GROUP BY series.id`,
      ),
    );
    expect(stored).toHaveLength(10);
    expect(stored.reduce((sum, row) => sum + row.total, 0)).toBe(seen.orders);
    expect(stored.map(({ attributes }) => attributes)).toContain(JSON.stringify(OVERFLOW));

    const sent = receiver.requests
      .filter(({ path }) => path === '/v1/metrics')
      .map(({ body }) => JSON.stringify(decodeOtlp('metrics', body)));
    expect(sent.at(-1)!.match(/otel\.metric\.overflow/g)!.length).toBeGreaterThanOrEqual(2);
    expect(warnings.messages.filter((message) => message.includes("'orders'"))).toHaveLength(1);
  });

  it('keeps what observable instruments report beyond the limit, whatever they report next', async () => {
    const cumulative = manualReader(AggregationTemporality.CUMULATIVE);
    const delta = manualReader(AggregationTemporality.DELTA);
    start({ engine, cardinalityLimit: 5, metricReaders: [cumulative.reader, delta.reader] });
    const meter = metrics.getMeter('other-library');
    let round = 0;
    const observe: ObservableCallback = (result) => {
      for (let shard = 0; shard < 12; shard += 1) result.observe((shard + 1) * round, { shard });
    };
    meter.createObservableCounter('reads').addCallback(observe);
    meter.createObservableUpDownCounter('depth').addCallback(observe);
    meter.createObservableGauge('level').addCallback(observe);
    const sum = (12 * 13) / 2;
    let added = 0;
    for (round = 1; round <= 3; round += 1) {
      const [reads, depth] = [await cumulative.points('reads'), await cumulative.points('depth')];
      expect([reads.length, total(reads)]).toEqual([5, sum * round]);
      expect([depth.length, total(depth)]).toEqual([5, sum * round]);
      expect(await cumulative.points('level')).toHaveLength(5);
      added += total(await delta.points('reads'));
      expect(added).toBe(sum * round);
    }
    expect(samplesOf(await scrape(), 'depth')).toHaveLength(5);
  });

  it('takes the limit of the instrument, of a view, or of a reader before the general one', async () => {
    const small = manualReader(AggregationTemporality.CUMULATIVE, { default: 4 });
    const usual = manualReader(AggregationTemporality.CUMULATIVE);
    start({
      engine,
      cardinalityLimit: 10,
      cardinalityLimits: { named: 3, viewed: 3, single: 1 },
      views: [{ instrumentName: 'viewed', aggregationCardinalityLimit: 6 }, { instrumentName: 'seen' }],
      metricReaders: [small.reader, usual.reader],
    });
    const telemetry = getTelemetry('shop');
    for (const name of ['plain', 'named', 'viewed', 'seen', 'single'])
      for (let id = 0; id < 50; id += 1) telemetry.counter(name).add(1, { id });
    const sizes = async ({ points }: typeof usual) =>
      Promise.all(
        ['plain', 'named', 'viewed', 'seen', 'single'].map(async (name) => (await points(name)).length),
      );
    expect(await sizes(usual)).toEqual([10, 3, 6, 10, 1]);
    expect(await sizes(small)).toEqual([4, 3, 6, 10, 1]);
    expect(total(await usual.points('single'))).toBe(50);
  });

  it('counts the series that a view leaves', async () => {
    start({
      engine,
      cardinalityLimit: 5,
      views: [
        { instrumentName: 'visits', attributesProcessors: [{ process: ({ plan }) => ({ plan: plan! }) }] },
      ],
    });
    for (let id = 0; id < 50; id += 1) getTelemetry('shop').counter('visits').add(1, { id, plan: 'free' });
    expect(samplesOf(await scrape(), 'visits_total')).toEqual([{ labels: '{plan="free"}', value: 50 }]);
    expect(warnings.messages).toEqual([]);
  });

  it('has the exemplars of the overflow on its series', async () => {
    start({ engine, cardinalityLimit: 2 });
    const telemetry = getTelemetry('shop');
    telemetry.counter('orders').add(1, { id: 0 });
    const traceId = telemetry.trace('checkout', () => {
      telemetry.counter('orders').add(1, { id: 1 });
      telemetry.counter('orders').add(1, { id: 2 });
      return trace.getActiveSpan()!.spanContext().traceId;
    });
    const lines = (await scrape(OPENMETRICS)).split('\n').filter((line) => line.startsWith('orders_total'));
    expect(lines).toEqual([
      'orders_total{id="0"} 1',
      expect.stringMatching(`^orders_total\\{otel_metric_overflow="true"\\} 2 # \\{trace_id="${traceId}"`),
    ]);
  });

  it('keeps the attributes of a series when the caller reuses its object', async () => {
    start({ engine, prometheus: {} });
    const attributes = { route: '/a' };
    const visits = getTelemetry('shop').counter('visits');
    visits.add(1, attributes);
    attributes.route = '/b';
    visits.add(2, attributes);
    expect(samplesOf(await scrape(), 'visits_total')).toEqual([
      { labels: '{route="/a"}', value: 1 },
      { labels: '{route="/b"}', value: 2 },
    ]);
  });

  it('is not spoilt for ever by a value that is no number', async () => {
    start({ engine });
    metrics.getMeter('other').createCounter('visits').add(Number.NaN, {}, ROOT_CONTEXT);
    metrics.getMeter('other').createCounter('visits').add(2);
    expect(samplesOf(await scrape(), 'visits_total')).toEqual([{ labels: '', value: 2 }]);
  });

  it('starts again with the next runtime', async () => {
    start({ engine, cardinalityLimit: 2 });
    const visits = getTelemetry('shop').counter('visits');
    for (const id of [1, 2, 3]) visits.add(1, { id });
    expect(seriesLimitReports()).toHaveLength(1);
    await running!.shutdown();
    start({ engine, cardinalityLimit: 2 });
    visits.add(1, { id: 9 });
    expect(samplesOf(await scrape(), 'visits_total')).toEqual([{ labels: '{id="9"}', value: 1 }]);
    expect(seriesLimitReports()).toEqual([]);
  });
});

describe('a reader that is never read', () => {
  it('does not keep every collection of the readers it shares a view with', async () => {
    const other = manualReader(AggregationTemporality.DELTA);
    start({
      metricReaders: [other.reader],
      views: [{ instrumentName: 'visits', aggregationCardinalityLimit: 50 }],
    });
    const visits = metrics.getMeter('m').createCounter('visits');
    for (let collection = 0; collection < 100; collection += 1) {
      visits.add(1, { id: collection });
      await other.points('visits');
    }
    const storage = (visits as unknown as Record<string, Record<string, Record<string, unknown>>>)
      ._writableMetricStorage!._temporalMetricStorage!;
    const waiting = [...(storage._unreportedAccumulations as Map<object, unknown[]>).values()];
    expect(Math.max(...waiting.map(({ length }) => length))).toBeLessThan(10);
    const samples = samplesOf(await scrape(), 'visits_total');
    expect([samples.length, total(samples)]).toEqual([50, 100]);
  });
});

describe('a service with a user in its metrics', () => {
  it('serves a scrape of bounded size after requests of many users', async () => {
    start({ engine: 'fast', cardinalityLimit: 100 });
    const visits = getTelemetry('shop').counter('visits_total');
    const server = createServer((request, response) => {
      if (request.url === '/metrics') {
        void currentRuntime()!
          .prometheus!.render(request.headers.accept)
          .then(({ body }) => body.pipe(response));
        return;
      }
      visits.add(1, { path: request.url! });
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const read = async () => (await fetch(`${origin}/metrics`)).text();
    try {
      const counts: number[] = [];
      for (let scraped = 0; scraped < 10; scraped += 1) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, user) => {
            await (await fetch(`${origin}/users/${scraped * 50 + user}`)).text();
          }),
        );
        counts.push(samplesOf(await read(), 'visits_total').length);
      }
      expect(Math.max(...counts)).toBe(100);
      expect(total(samplesOf(await read(), 'visits_total'))).toBe(500);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
