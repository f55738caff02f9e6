import { execFileSync, spawnSync } from 'node:child_process';

import type { Meter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { prometheusUnit } from '../../../lib/exporters/prometheus/prometheus-names.js';
import { createPrometheusScrape } from '../../../lib/exporters/prometheus/prometheus-scrape.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { resource } from '../support/trace-provider.js';
import { parseOpenMetrics } from './parse-openmetrics.js';
import { renderText } from './render-text.js';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';
const KINDS = ['counter', 'upDownCounter', 'gauge', 'histogram'] as const;

interface Instrument {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
  readonly unit?: string;
  readonly scope?: string;
  readonly description?: string;
}

let warnings: ReturnType<typeof collectWarnings>;
beforeEach(() => {
  warnings = collectWarnings();
});
afterEach(() => {
  warnings.restore();
});

function start(prefix?: string) {
  const scrape = createPrometheusScrape({ prefix });
  const provider = new MeterProvider({ resource, readers: [scrape.reader] });
  return { scrape, meter: (name: string) => provider.getMeter(name) };
}

function record(
  meter: Meter,
  { kind, name, unit = '', description = 'Help.' }: Instrument,
  value: number,
): void {
  const options = { unit, description };
  const attributes = { route: '/a' };
  if (kind === 'counter') meter.createCounter(name, options).add(value, attributes);
  else if (kind === 'upDownCounter') meter.createUpDownCounter(name, options).add(value, attributes);
  else if (kind === 'gauge') meter.createGauge(name, options).record(value, attributes);
  else meter.createHistogram(name, options).record(value, attributes);
}

/** Fails on a TYPE or a sample that is there twice, and on a sample of a family that was not announced. */
function checkText(text: string): void {
  const lines = text.split('\n').filter((line) => line !== '');
  const types = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]);
  const samples = lines.filter((line) => !line.startsWith('#')).map((line) => line.replace(/ \S+$/, ''));
  expect(types.length).toBe(new Set(types).size);
  expect(samples.length).toBe(new Set(samples).size);
}

async function bothFormats(of: Instrument[], prefix?: string): Promise<{ text: string; open: string }> {
  const { scrape, meter } = start(prefix);
  for (const [index, instrument] of of.entries())
    record(meter(instrument.scope ?? 'm'), instrument, index + 1);
  const [text, open] = [await renderText(scrape), await renderText(scrape, OPENMETRICS)];
  expect([text.statusCode, open.statusCode]).toEqual([200, 200]);
  checkText(text.body);
  parseOpenMetrics(open.body);
  // The same names at each scrape.
  expect((await renderText(scrape)).body).toBe(text.body);
  expect((await renderText(scrape, OPENMETRICS)).body).toBe(open.body);
  return { text: text.body, open: open.body };
}

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

/** What `promtool check metrics` finds beside matters of style in names that the application has chosen. */
function promtool(text: string): string[] {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  const found = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  if (status === 0) return [];
  if (status !== 3) return found;
  return found.filter(
    (line) => !/ (should|use base unit|metric name should|counter metrics should)/.test(` ${line}`),
  );
}

describe('names of instruments that collide in Prometheus', () => {
  const c = (name: string, unit?: string): Instrument => ({ kind: 'counter', name, ...(unit && { unit }) });
  const g = (name: string, unit?: string): Instrument => ({ kind: 'gauge', name, ...(unit && { unit }) });
  const h = (name: string, unit?: string): Instrument => ({ kind: 'histogram', name, ...(unit && { unit }) });

  it.each<[string, Instrument, Instrument, string]>([
    ['histogram orders, counter orders_count', h('orders'), c('orders_count'), 'orders_count_2_total'],
    ['histogram orders, gauge orders_sum', h('orders'), g('orders_sum'), 'orders_sum_2'],
    ['histogram orders, gauge orders_bucket', h('orders'), g('orders_bucket'), 'orders_bucket_2'],
    ['gauge orders_count, histogram orders', g('orders_count'), h('orders'), 'orders_2_count'],
    ['gauge x, counter x_total', g('x'), c('x_total'), 'x_2_total'],
    ['counter x, gauge x_total', c('x'), g('x_total'), 'x_total_2'],
    ['counter x, gauge x_created', c('x'), g('x_created'), 'x_created_2'],
    ['a.b, a_b', c('a.b'), c('a_b'), 'a_b_2_total'],
    ['a-b, a/b', g('a-b'), g('a/b'), 'a_b_2'],
    ['x in seconds, x_seconds', h('x', 's'), h('x_seconds'), 'x_seconds_2_count'],
    ['target_info', g('y'), g('target_info'), 'target_info_2'],
    ['target', g('y'), c('target'), 'target_2_total'],
    ['gauge and histogram of one name', g('x'), { ...h('x'), scope: 'other' }, 'x_2_count'],
    ['counter and up-down counter', c('x'), { kind: 'upDownCounter', name: 'x', scope: 'other' }, 'x_2'],
  ])('gives the second a number: %s', async (_, first, second, expected) => {
    const { text, open } = await bothFormats([first, second]);
    for (const body of [text, open]) expect(body).toMatch(new RegExp(`^${expected}\\{route="/a"\\} `, 'm'));
    expect(warnings.messages).toEqual([
      expect.stringMatching(/^the \w+ '.*' is called .* in Prometheus, because .* Rename one of them\.$/),
    ]);
  });

  it.each<[string, Instrument, Instrument]>([
    ['descriptions', { ...c('x'), description: 'One.' }, { ...c('x'), description: 'Two.', scope: 'other' }],
    ['annotations of the unit', c('x', '{order}'), { ...c('x', '{item}'), scope: 'other' }],
  ])('adds up one instrument of two classes with different %s', async (_, first, second) => {
    const { text, open } = await bothFormats([first, second]);
    for (const body of [text, open]) expect(body).toContain('\nx_total{route="/a"} 3\n');
    expect(warnings.messages).toEqual([]);
  });

  it('keeps units apart that two classes give one name', async () => {
    const { text } = await bothFormats([c('x', 's'), { ...c('x', 'By'), scope: 'other' }]);
    expect(text).toContain('\nx_seconds_total{route="/a"} 1\n');
    expect(text).toContain('\nx_bytes_total{route="/a"} 2\n');
  });

  it('keeps the names when the second instrument is measured first in a later scrape', async () => {
    const { scrape, meter } = start();
    record(meter('m'), c('x_total'), 1);
    await renderText(scrape);
    record(meter('earlier'), g('x'), 2);
    expect((await renderText(scrape)).body).toContain('\nx_total{route="/a"} 1\n');
    expect((await renderText(scrape)).body).toContain('\nx_2{route="/a"} 2\n');
  });

  it('takes the prefix into account', async () => {
    const { text, open } = await bothFormats([g('info'), g('2xx')], 'target');
    expect(text).toContain('\ntarget_info_2{route="/a"} 1\n');
    expect(open).toContain('\ntarget_2xx{route="/a"} 2\n');
  });

  it.each(['', '2xx', '_', '★', '_total', 'größe', 'x y', 'x__', 'a:b', '__name__', 'le', 'NaN'])(
    'writes a name that Prometheus can read for %j',
    async (name) => {
      const { text, open } = await bothFormats(KINDS.map((kind) => ({ kind, name, unit: 's' })));
      const values = (body: string) => body.match(/^[^#\n].*\{route="\/a"\} [124]$/gm)!.length;
      expect(values(text)).toBeGreaterThanOrEqual(3);
      expect(values(open)).toBe(values(text));
    },
  );
});

describe('labels that Prometheus would refuse or mix up', () => {
  it.each<[string, Record<string, unknown>[]]>([
    ['names that become one', [{ 'a.b': 1, a_b: 2, 'a-b': 3 }]],
    ['an empty value and none', [{ a: '' }, {}]],
    ['halves of surrogate pairs', [{ a: '\ud800' }, { a: '\ud801' }, { a: '\udfff' }]],
    ['reserved names', [{ __name__: 'x', le: '1', quantile: '0.5', job: 'j', '': 'e', '9': 'n', ä: 'u' }]],
    ['text and number', [{ a: '1' }, { a: 1 }, { a: true }, { a: 'true' }]],
    ['control characters', [{ a: '\n\\"\r\t\u0001' }, { a: '\\n' }, { a: '\0' }, { a: '\u2028' }]],
    ['lists and objects', [{ a: ['x', 'y'] }, { a: [1] }, { a: { b: 1 } }, { a: null }, { a: undefined }]],
  ])('%s', async (_, sets) => {
    const { scrape, meter } = start();
    for (const attributes of sets as never[]) {
      meter('m')
        .createCounter('c', { description: 'A "quoted" \\ text\nof two lines \ud800.' })
        .add(1, attributes);
      meter('m').createHistogram('h').record(1, attributes);
      meter('m').createGauge('g').record(1, attributes);
    }
    const text = (await renderText(scrape)).body;
    checkText(text);
    const open = Buffer.from((await renderText(scrape, OPENMETRICS)).body).toString();
    const total = parseOpenMetrics(open)
      .flatMap(({ samples }) => samples)
      .filter(({ name }) => name === 'c_total' || name === 'h_count')
      .reduce((sum, { value }) => sum + value, 0);
    expect(total).toBe(2 * sets.length);
    if (hasPromtool) expect(promtool(Buffer.from(text).toString())).toEqual([]);
  });

  it('writes resource attributes that become one name once', async () => {
    const scrape = createPrometheusScrape();
    const { resourceFromAttributes } = await import('@opentelemetry/resources');
    const attributes = { 'a.b': '1', a_b: '2', '1st': 'x', empty: '', le: '3' };
    new MeterProvider({ resource: resourceFromAttributes(attributes), readers: [scrape.reader] });
    for (const accept of [undefined, OPENMETRICS])
      expect((await renderText(scrape, accept)).body).toContain('target_info{_1st="x",a_b="1;2",le="3"} 1\n');
  });
});

describe('histograms that OpenMetrics restricts', () => {
  it.each<[string, number[]]>([
    ['boundaries below zero', [-1, 0, 1]],
    ['boundaries twice', [1, 1, 2, 2]],
    ['no boundaries', []],
    ['infinite boundaries', [-Infinity, 1, Infinity]],
    ['boundaries that are no numbers', [1, Number.NaN, 2]],
    ['tiny and huge boundaries', [1e-9, 0.5, 1e21]],
  ])('%s', async (_, explicitBucketBoundaries) => {
    const { scrape, meter } = start();
    for (const value of [0, 1, 1.5, 3])
      meter('m').createHistogram('h', { advice: { explicitBucketBoundaries } }).record(value);
    checkText((await renderText(scrape)).body);
    const [, family] = parseOpenMetrics((await renderText(scrape, OPENMETRICS)).body);
    expect(family!.samples.filter(({ labels }) => labels.le === '+Inf')).toMatchObject([{ value: 4 }]);
  });
});

describe('generated pairs of instruments', () => {
  const STEMS = ['orders', 'x', 'a.b', 'a_b', 'target', 'http.requests', '2xx'];
  const ENDS = [
    '',
    '_total',
    '_count',
    '_sum',
    '_bucket',
    '_created',
    '_info',
    '_seconds',
    '.total',
    '_2',
    '_',
  ];
  const UNITS = ['', '1', 's', 'ms', 'By', '{order}', '%', 'By/s'];

  /** Numbers from 0 to 1, the same ones in each run. */
  function seeded(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state * 1_664_525 + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  }

  it('never make a sample or a TYPE twice, in either format, and nothing is left out', async () => {
    const random = seeded(42);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    for (let round = 0; round < 400; round += 1) {
      const stem = pick(STEMS);
      const instruments = Array.from({ length: 2 + Math.floor(random() * 3) }, (_, index) => ({
        kind: pick(KINDS),
        name: stem + pick(ENDS),
        unit: pick(UNITS),
        scope: pick(['m', 'n', `scope${index}`]),
      }));
      const { open } = await bothFormats(instruments, pick([undefined, undefined, 'shop']));
      const shown = parseOpenMetrics(open)
        .flatMap(({ samples }) => samples)
        .filter(({ name, labels }) => labels.route !== undefined && !/_(bucket|sum)$/.test(name));
      expect(shown.length).toBeGreaterThan(0);
    }
  });

  (hasPromtool ? it : it.skip)(
    `pass promtool check metrics${hasPromtool ? '' : ' (there is no promtool)'}`,
    async () => {
      expect(execFileSync('promtool', ['--version'], { encoding: 'utf8' })).toContain('promtool');
      const random = seeded(7);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
      for (let round = 0; round < 30; round += 1) {
        const stem = pick(STEMS);
        const { text } = await bothFormats(
          Array.from({ length: 3 }, () => ({
            kind: pick(KINDS),
            name: stem + pick(ENDS),
            unit: pick(UNITS),
          })),
        );
        expect(promtool(text)).toEqual([]);
      }
    },
  );
});

describe('prometheusUnit()', () => {
  it.each([
    ['s', false, 'seconds'],
    ['ms', false, 'milliseconds'],
    ['By', false, 'bytes'],
    ['By/s', false, 'bytes_per_second'],
    ['1/s', false, 'per_second'],
    ['%', true, 'percent'],
    ['1', true, 'ratio'],
    ['1', false, undefined],
    ['{request}', false, undefined],
    ['{packet}/s', false, 'per_second'],
    ['', true, undefined],
    ['furlong', false, 'furlong'],
  ])('spells %j (gauge: %s) as %s', (unit, gauge, expected) => {
    expect(prometheusUnit(unit, { gauge })).toBe(expected);
  });
});
