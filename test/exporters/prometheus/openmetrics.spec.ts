import { context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { MeterProvider, type ViewOptions } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler, AlwaysOnSampler } from '@opentelemetry/sdk-trace';

import { RecordingTracerProvider } from '../../../lib/engine/recording-tracer-provider.js';
import { acceptsOpenMetrics } from '../../../lib/exporters/prometheus/openmetrics.js';
import {
  createPrometheusScrape,
  type PrometheusScrape,
} from '../../../lib/exporters/prometheus/prometheus-scrape.js';
import { keepExemplars } from '../../../lib/metrics-sdk/exemplars.js';
import { resource } from '../support/trace-provider.js';
import { renderText } from './render-text.js';

/** What Prometheus 2.42 sends. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

function startSpan(sampler = new AlwaysOnSampler()): Span {
  return new RecordingTracerProvider({
    resource,
    sampler,
    childrenFollowParent: true,
    limits: {},
    spanProcessors: [],
  })
    .getTracer('t')
    .startSpan('work');
}

function startMeter({ prefix, views = [] }: { prefix?: string; views?: ViewOptions[] } = {}) {
  const scrape = createPrometheusScrape({ prefix });
  const provider = new MeterProvider({ resource, readers: [scrape.reader], views });
  return { scrape, meter: (name = 'm') => provider.getMeter(name) };
}

const inside = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);
const linesOf = async (scrape: PrometheusScrape): Promise<string[]> =>
  (await renderText(scrape, PROMETHEUS)).body.split('\n');

describe('acceptsOpenMetrics()', () => {
  it.each([
    PROMETHEUS,
    'application/openmetrics-text; version=1.0.0',
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5',
    'APPLICATION/OPENMETRICS-TEXT',
  ])('says yes to %s', (accept) => {
    expect(acceptsOpenMetrics(accept)).toBe(true);
  });

  it.each([
    undefined,
    '',
    '*/*',
    'text/plain',
    'text/html,application/xhtml+xml,*/*;q=0.8',
    'application/openmetrics-text;version=2.0.0',
    'application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5',
    'application/openmetrics-text;q=0',
  ])('says no to %s', (accept) => {
    expect(acceptsOpenMetrics(accept)).toBe(false);
  });
});

describe('a scrape that asks for OpenMetrics', () => {
  beforeEach(() => keepExemplars(true));
  afterAll(() => keepExemplars(false));

  it('answers in OpenMetrics, and in the classic text format to everybody else', async () => {
    const { scrape, meter } = startMeter();
    meter()
      .createCounter('orders', { unit: '{order}', description: 'Orders "taken"\nso far.' })
      .add(2, { a: 'x"\\\n' });

    const open = await renderText(scrape, PROMETHEUS);
    const classic = await renderText(scrape, 'text/plain');

    expect(open.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.body.split('\n').slice(3)).toEqual([
      '# TYPE orders counter',
      '# HELP orders Orders \\"taken\\"\\nso far.',
      'orders_total{a="x\\"\\\\\\n"} 2',
      '# EOF',
      '',
    ]);
    expect(classic.contentType).toContain('text/plain');
    expect(classic.body).toContain('# TYPE orders_total counter');
  });

  it('shows the newest measurement inside a sampled span, per series and bucket', async () => {
    const { scrape, meter } = startMeter();
    const duration = meter().createHistogram('request.duration', {
      unit: 's',
      advice: { explicitBucketBoundaries: [0.1, 1] },
    });
    const [first, second, slow] = [startSpan(), startSpan(), startSpan()];
    duration.record(0.02, { route: '/a' }, inside(first));
    duration.record(0.1, { route: '/a' }, inside(second));
    duration.record(0.05, { route: '/a' }, ROOT_CONTEXT);
    duration.record(7, { route: '/b' }, inside(slow));

    const lines = await linesOf(scrape);

    const exemplar = (span: Span, value: number) => {
      const { traceId, spanId } = span.spanContext();
      return new RegExp(` # \\{trace_id="${traceId}",span_id="${spanId}"\\} ${value} \\d+\\.\\d{3}$`);
    };
    const line = (start: string) => lines.find((each) => each.startsWith(start));
    expect(line('request_duration_seconds_bucket{route="/a",le="0.1"} 3')).toMatch(exemplar(second, 0.1));
    expect(line('request_duration_seconds_bucket{route="/b",le="+Inf"} 1')).toMatch(exemplar(slow, 7));
    expect(line('request_duration_seconds_bucket{route="/b",le="1.0"}')).toBe(
      'request_duration_seconds_bucket{route="/b",le="1.0"} 0',
    );
    expect(lines).toContain('# UNIT request_duration_seconds seconds');
    expect(line('request_duration_seconds_count{route="/a"}')).toBe(
      'request_duration_seconds_count{route="/a"} 3',
    );
  });

  it('shows exemplars of counters, and of no gauge', async () => {
    const { scrape, meter } = startMeter();
    const span = startSpan();
    meter().createCounter('orders').add(1, {}, inside(span));
    meter().createGauge('load').record(1, {}, inside(span));
    meter().createUpDownCounter('active').add(1, {}, inside(span));

    const withExemplar = (await linesOf(scrape)).filter((line) => line.includes(' # {'));

    expect(withExemplar).toEqual([expect.stringMatching(/^orders_total 1 # \{trace_id=/)]);
  });

  it('takes the active span where no context is given, and none that is not sampled', async () => {
    const { scrape, meter } = startMeter();
    const orders = meter().createCounter('orders');
    const unsampled = startSpan(new AlwaysOffSampler());
    orders.add(1, { kept: false }, inside(unsampled));
    expect((await linesOf(scrape)).filter((line) => line.includes(' # {'))).toEqual([]);
    expect(context.active()).toBe(ROOT_CONTEXT);
  });

  it('keeps the newer exemplar where two scopes share a series', async () => {
    const { scrape, meter } = startMeter();
    const [older, newer] = [startSpan(), startSpan()];
    jest.useFakeTimers({ doNotFake: ['performance'], now: 1_000_000 });
    meter('B').createCounter('orders').add(1, {}, inside(older));
    jest.setSystemTime(2_000_000);
    meter('A').createCounter('orders').add(1, {}, inside(newer));
    jest.useRealTimers();

    const [line] = (await linesOf(scrape)).filter((each) => each.startsWith('orders_total'));

    expect(line).toContain(`orders_total 2 # {trace_id="${newer.spanContext().traceId}"`);
    expect(line).toMatch(/ 2000\.000$/);
  });

  it('knows the series by what a view leaves of its attributes', async () => {
    const views: ViewOptions[] = [
      { instrumentName: 'orders', attributesProcessors: [{ process: ({ route }) => ({ route: route! }) }] },
    ];
    const { scrape, meter } = startMeter({ views });
    meter().createCounter('orders').add(1, { route: '/a', user: 'u1' }, inside(startSpan()));

    expect(await linesOf(scrape)).toContainEqual(
      expect.stringMatching(/^orders_total\{route="\/a"\} 1 # \{trace_id/),
    );
  });

  it('shows none once they are not wanted', async () => {
    keepExemplars(false);
    const { scrape, meter } = startMeter({ prefix: 'shop' });
    meter().createCounter('orders').add(1, {}, inside(startSpan()));
    expect(await linesOf(scrape)).toContain('shop_orders_total 1');
  });
});
