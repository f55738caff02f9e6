import { type Meter } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationType, MeterProvider, type ViewOptions } from '@opentelemetry/sdk-metrics';

import {
  createPrometheusScrape,
  type PrometheusScrape,
} from '../../../lib/exporters/prometheus/prometheus-scrape.js';
import { measureTurns } from '../../support/measure-turns.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { resource } from '../support/trace-provider.js';
import { parseMetrics } from './parse-metrics.js';
import { renderText } from './render-text.js';

let warnings: ReturnType<typeof collectWarnings>;
let provider: MeterProvider;

beforeEach(() => {
  warnings = collectWarnings();
});

afterEach(async () => {
  warnings.restore();
  await provider.shutdown();
});

function start({ prefix, views = [] }: { prefix?: string; views?: ViewOptions[] } = {}): {
  scrape: PrometheusScrape;
  meter(name: string): Meter;
} {
  const scrape = createPrometheusScrape({ prefix });
  provider = new MeterProvider({ resource, readers: [scrape.reader], views });
  return { scrape, meter: (name) => provider.getMeter(name) };
}

async function bodyOf(scrape: PrometheusScrape): Promise<string> {
  const { statusCode, body } = await renderText(scrape);
  expect({ statusCode, body }).toEqual({ statusCode: 200, body: expect.any(String) as string });
  return body;
}

describe('createPrometheusScrape()', () => {
  it('ends a name in its unit, once, and a counter in _total behind it', async () => {
    const { scrape, meter } = start();
    meter('m').createHistogram('http.server.request.duration', { unit: 's' }).record(1);
    meter('m').createHistogram('request_duration_ms', { unit: 'ms' }).record(1);
    meter('m').createCounter('sent_bytes_total', { unit: 'By' }).add(1);
    meter('m').createCounter('cpu.time', { unit: 's' }).add(1);
    meter('m').createGauge('loop.utilization', { unit: '1' }).record(1);

    const body = await bodyOf(scrape);

    const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(types).toEqual([
      'target_info gauge',
      'http_server_request_duration_seconds histogram',
      'request_duration_ms histogram',
      'sent_bytes_total counter',
      'cpu_time_seconds_total counter',
      'loop_utilization_ratio gauge',
    ]);
  });

  it('writes counters and histograms as the documentation shows them', async () => {
    const { scrape, meter } = start();
    meter('OrderService').createCounter('requests_total').add(1234, { method: 'POST', status: '200' });
    const duration = meter('OrderService').createHistogram('request_duration_ms', {
      advice: { explicitBucketBoundaries: [100, 500] },
    });
    for (const ms of [50, 300, 300, 2000]) duration.record(ms);

    const lines = (await bodyOf(scrape)).split('\n');

    expect(lines).toContain('requests_total{method="POST",status="200"} 1234');
    expect(lines).toEqual(
      expect.arrayContaining([
        'request_duration_ms_bucket{le="100"} 1',
        'request_duration_ms_bucket{le="500"} 3',
        'request_duration_ms_bucket{le="+Inf"} 4',
        'request_duration_ms_count 4',
        'request_duration_ms_sum 2650',
      ]),
    );
  });

  it('can be read by a parser that is not ours', async () => {
    const { scrape, meter } = start();
    meter('a')
      .createCounter('orders_total', { description: 'Orders, "all"\nof them', unit: '1' })
      .add(2, { path: 'C:\\x "y"\n' });
    meter('a').createUpDownCounter('open_connections').add(-3);
    meter('a').createGauge('temperature.celsius').record(21.5, { room: 'žluť' });
    meter('a')
      .createHistogram('latency', { advice: { explicitBucketBoundaries: [1, 2] } })
      .record(1.5, { le: 'mine' });

    const body = await bodyOf(scrape);
    const families = parseMetrics(body);

    expect(families.orders_total).toMatchObject({
      type: 'COUNTER',
      metrics: [{ labels: { path: 'C:\\x "y"\n' }, value: '2' }],
    });
    expect(families.open_connections).toMatchObject({ type: 'GAUGE', metrics: [{ value: '-3' }] });
    expect(families.temperature_celsius).toMatchObject({
      metrics: [{ labels: { room: 'žluť' }, value: '21.5' }],
    });
    expect(body).toContain('# TYPE latency histogram');
    expect(families.latency_bucket!.metrics).toEqual([
      { labels: { exported_le: 'mine', le: '1' }, value: '0' },
      { labels: { exported_le: 'mine', le: '2' }, value: '1' },
      { labels: { exported_le: 'mine', le: '+Inf' }, value: '1' },
    ]);
    expect(families.latency_count!.metrics).toEqual([{ labels: { exported_le: 'mine' }, value: '1' }]);
    expect(families.latency_sum!.metrics).toEqual([{ labels: { exported_le: 'mine' }, value: '1.5' }]);
    expect(families.target_info).toMatchObject({
      metrics: [{ labels: { service_name: 'orchestrator', service_version: '1.2.3' }, value: '1' }],
    });
  });

  it('shows what was measured before the first scrape, and goes on counting after it', async () => {
    const { scrape, meter } = start();
    const counter = meter('a').createCounter('n_total');
    counter.add(1);
    expect(await bodyOf(scrape)).toContain('\nn_total 1\n');
    counter.add(1);
    expect(await bodyOf(scrape)).toContain('\nn_total 2\n');
  });

  it('answers with the content type that Prometheus 2 and 3 take', async () => {
    const { scrape } = start();

    expect(await renderText(scrape, 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1')).toMatchObject({
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    });
  });

  it('puts the prefix before each name', async () => {
    const { scrape, meter } = start({ prefix: 'shop' });
    meter('a').createCounter('orders').add(1);

    expect(await bodyOf(scrape)).toContain('\nshop_orders_total 1\n');
  });

  it('adds up counters and histograms that several classes share', async () => {
    const { scrape, meter } = start();
    for (const name of ['OrderService', 'UserService']) {
      meter(name).createCounter('requests_total').add(2, { status: '200', method: 'GET' });
      meter(name).createUpDownCounter('open').add(5);
      meter(name)
        .createHistogram('ms', { advice: { explicitBucketBoundaries: [10] } })
        .record(name.length);
    }
    meter('UserService').createCounter('requests_total').add(1, { method: 'POST', status: '200' });

    const body = await bodyOf(scrape);

    const families = parseMetrics(body);
    expect(body.match(/# TYPE requests_total/g)).toHaveLength(1);
    expect(families.requests_total!.metrics).toEqual([
      { labels: { status: '200', method: 'GET' }, value: '4' },
      { labels: { status: '200', method: 'POST' }, value: '1' },
    ]);
    expect(families.open!.metrics).toEqual([{ value: '10' }]);
    expect(families.ms_bucket!.metrics).toEqual([
      { labels: { le: '10' }, value: '0' },
      { labels: { le: '+Inf' }, value: '2' },
    ]);
    expect(families.ms_count!.metrics).toEqual([{ value: '2' }]);
    expect(families.ms_sum!.metrics).toEqual([{ value: '23' }]);
    expect(warnings.messages).toEqual([]);
  });

  it('shows the last value of a gauge that several classes share', async () => {
    const { scrape, meter } = start();
    meter('a').createGauge('queue_length').record(1);
    meter('b').createGauge('queue_length').record(7);

    expect(parseMetrics(await bodyOf(scrape)).queue_length!.metrics).toEqual([{ value: '7' }]);
  });

  it('gives the second of two names that are one for Prometheus a number, and warns once', async () => {
    const { scrape, meter } = start();
    meter('a').createCounter('http.requests').add(1);
    meter('b').createCounter('http_requests_total').add(2);

    for (let time = 0; time < 2; time += 1) {
      const families = parseMetrics(await bodyOf(scrape));
      expect(families.http_requests_total!.metrics).toEqual([{ value: '1' }]);
      expect(families.http_requests_2_total!.metrics).toEqual([{ value: '2' }]);
    }
    expect(warnings.messages).toEqual([
      expect.stringContaining("counter 'http_requests_total' is called http_requests_2_total in Prometheus"),
    ]);
  });

  it('gives the second of two types under one name a number, and warns once', async () => {
    const { scrape, meter } = start();
    meter('a').createCounter('jobs_total').add(1);
    meter('b').createGauge('jobs_total').record(9);

    for (let time = 0; time < 2; time += 1) {
      const families = parseMetrics(await bodyOf(scrape));
      expect(families.jobs_total).toMatchObject({ type: 'COUNTER', metrics: [{ value: '1' }] });
      expect(families.jobs_total_2).toMatchObject({ type: 'GAUGE', metrics: [{ value: '9' }] });
    }
    expect(warnings.messages).toEqual([
      expect.stringContaining("the gauge 'jobs_total' is called jobs_total_2 in Prometheus"),
    ]);
  });

  it('keeps the first of two histograms whose boundaries differ and warns once', async () => {
    const { scrape, meter } = start();
    meter('a')
      .createHistogram('ms', { advice: { explicitBucketBoundaries: [10] } })
      .record(1);
    meter('b')
      .createHistogram('ms', { advice: { explicitBucketBoundaries: [20] } })
      .record(1);

    expect(parseMetrics(await bodyOf(scrape)).ms_bucket!.metrics).toEqual([
      { labels: { le: '10' }, value: '1' },
      { labels: { le: '+Inf' }, value: '1' },
    ]);
    expect(warnings.messages).toEqual([expect.stringContaining('different bucket boundaries')]);
  });

  it('never writes a label twice, nor one that starts with a digit', async () => {
    const { scrape, meter } = start();
    meter('a').createCounter('n_total').add(1, { 'http.method': 'GET', http_method: 'POST', '2xx': true });

    expect(await bodyOf(scrape)).toContain('n_total{_2xx="true",http_method="GET;POST"} 1');
  });

  it('leaves out an exponential histogram and logs the reason', async () => {
    const { scrape, meter } = start({
      views: [{ instrumentName: 'ms', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
    });
    meter('a').createHistogram('ms').record(1);
    meter('a').createCounter('n_total').add(1);

    const families = parseMetrics(await bodyOf(scrape));

    expect(Object.keys(families).sort()).toEqual(['n_total', 'target_info']);
    expect(warnings.messages).toEqual([expect.stringContaining('ms is an exponential histogram')]);
  });

  it('shows the other metrics when an observable callback throws, and warns', async () => {
    const { scrape, meter } = start();
    meter('a')
      .createObservableGauge('broken')
      .addCallback(() => {
        throw new Error('sensor gone');
      });
    meter('a').createCounter('n_total').add(1);

    expect(await bodyOf(scrape)).toContain('n_total 1');
    expect(warnings.messages).toEqual([expect.stringContaining('sensor gone')]);
  });

  it('answers 500 with the reason instead of rejecting', async () => {
    const { scrape } = start();
    await provider.shutdown();

    expect(await renderText(scrape)).toEqual({
      statusCode: 500,
      contentType: 'text/plain; charset=utf-8',
      body: 'metrics could not be rendered: MetricReader is shutdown\n',
    });
    expect(warnings.messages).toHaveLength(1);
  });

  it('writes the classic text as the serializer of OpenTelemetry does', async () => {
    const { scrape, meter } = start();
    const requests = meter('a').createCounter('requests_total', {
      description: 'Back\\slash, "quotes"\nline',
    });
    requests.add(2, { flag: true, list: ['a', 'b'], quoted: 'C:\\x "y"\n', route: '/a' });
    requests.add(Number.POSITIVE_INFINITY, { route: 'all' });
    meter('b').createHistogram('latency').record(7, { route: 'x' });
    meter('b').createHistogram('bare').record(7);
    meter('b').createGauge('gauge').record(-1.5e-7);
    const { resourceMetrics } = await scrape.reader.collect();

    const body = await bodyOf(scrape);

    const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
    // The labels of the resource are sorted here, as all others.
    const withoutTarget = (text: string): string => text.replace(/^target_info.*$/m, '').trim();
    expect(withoutTarget(body)).toBe(withoutTarget(serializer.serialize(resourceMetrics)));
  });

  it('blocks the event loop for a few milliseconds at a time, with 2,000 series', async () => {
    const { scrape, meter } = start();
    const latency = meter('a').createHistogram('latency');
    for (let index = 0; index < 2_000; index += 1)
      latency.record(0.2, { method: 'GET', route: `/orders/${index}`, status: 200 });

    // The best of some: a garbage collection, or another process, may make any turn longer.
    let share = 1;
    for (let count = 0; count < 100 && share >= 1 / 3; count += 1) {
      const { longestMs, allMs } = await measureTurns(() => bodyOf(scrape));
      share = Math.min(share, longestMs / Math.max(15, allMs));
    }

    expect(share).toBeLessThan(1 / 3);
  }, 30_000);

  it('gives the same answer to two simultaneous scrapes', async () => {
    const { scrape, meter } = start();
    meter('a').createCounter('n_total').add(1);

    const [first, second] = await Promise.all([renderText(scrape), renderText(scrape)]);

    expect(first).toEqual(second);
  });
});
