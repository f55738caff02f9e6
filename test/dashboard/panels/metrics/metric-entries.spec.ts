import {
  describeKind,
  findEntry,
  formatOf,
  groupInstruments,
  instrumentsOf,
  isMatch,
  mergeCharts,
} from '../../../../lib/dashboard/panels/metrics/view/metric-entries.js';
import {
  type ChartAnswer,
  type InstrumentAnswer,
} from '../../../../lib/dashboard/reader/answers/metrics.interface.js';

let ids = 0;
const instrument = (
  name: string,
  service: string,
  more: Partial<InstrumentAnswer> = {},
): InstrumentAnswer => ({
  id: (ids += 1),
  service,
  name,
  description: '',
  unit: 's',
  type: 'histogram',
  attributes: {},
  ...more,
});

describe('the list of metrics', () => {
  it('has one entry for each name, whichever services have it', () => {
    const names = Array.from({ length: 32 }, (_, index) => `metric.${String(index).padStart(2, '0')}`);
    const list = names.flatMap((name) =>
      ['users', 'orders', 'gateway'].map((service) => instrument(name, service)),
    );
    const entries = groupInstruments(list);
    expect(list).toHaveLength(96);
    expect(entries.map(({ key }) => key)).toEqual(names);
    expect(entries[0]!.instruments.map(({ service }) => service)).toEqual(['gateway', 'orders', 'users']);
    expect(instrumentsOf(entries[0]!, 'orders').map(({ service }) => service)).toEqual(['orders']);
  });

  it('adds up what their attributes are, and takes the first description there is', () => {
    const [entry] = groupInstruments([
      instrument('a', 'x', { attributes: { route: ['/b'], method: ['GET'] } }),
      instrument('a', 'y', { attributes: { route: ['/a', '/b'] }, description: 'What it is.' }),
    ]);
    expect(entry).toMatchObject({
      description: 'What it is.',
      attributes: { route: ['/a', '/b'], method: ['GET'] },
    });
  });

  it('keeps instruments of one name apart that differ in type or unit', () => {
    const entries = groupInstruments([
      instrument('queue', 'x', { type: 'gauge', unit: '1' }),
      instrument('queue', 'y', { type: 'counter', unit: '{job}' }),
    ]);
    expect(entries.map(({ key }) => key)).toEqual(['queue', 'queue counter {job}']);
    expect(findEntry(entries, 'queue counter {job}').entry).toBe(entries[1]);
  });

  it('is searched by name and description, not by service: "orders" in the app "orders" is no match for all', () => {
    const entries = groupInstruments([
      instrument('orders.placed', 'orders'),
      instrument('nodejs.eventloop.delay', 'orders', { description: 'Delay of the event loop.' }),
      instrument('stock.checks', 'orders', { description: 'Looks at the stock for orders.' }),
    ]);
    const found = (text: string) => entries.filter((entry) => isMatch(entry, text)).map(({ name }) => name);
    expect(found('orders')).toEqual(['orders.placed', 'stock.checks']);
    expect(found('Event  LOOP')).toEqual(['nodejs.eventloop.delay']);
    expect(found('')).toHaveLength(3);
  });

  it('is found by the numbers of instruments, too, which addresses had before', () => {
    const [one, two] = [instrument('a', 'x'), instrument('a', 'y')];
    const entries = groupInstruments([one, two, instrument('b', 'x', { id: 900 })]);
    expect(findEntry(entries, String(two.id))).toEqual({ entry: entries[0], service: 'y' });
    expect(findEntry(entries, '900')).toEqual({ entry: entries[1], service: undefined });
    expect(findEntry(entries, '123456')).toEqual({ entry: undefined, service: undefined });
    expect(findEntry(entries, 'c')).toEqual({ entry: undefined, service: undefined });
  });
});

describe('the unit of a metric', () => {
  it.each([
    ['http.server.request.duration', 'histogram', 's', 'histogram · seconds', 1.5, '1.5 s'],
    ['process.memory.usage', 'gauge', 'By', 'gauge · bytes', 2_000_000, '2 MB'],
    ['http.server.active_requests', 'updowncounter', '{request}', 'up/down counter · requests', 12, '12'],
    ['process.cpu.utilization', 'gauge', '1', 'gauge · ratio', 0.123, '12 %'],
    ['orders.open', 'gauge', '1', 'gauge', 42, '42'],
    ['jobs', 'counter', '1', 'counter', 3, '3 /s'],
    ['orders.placed', 'counter', '{order}', 'counter · orders', 3, '3 /s'],
    ['free', 'gauge', '', 'gauge', 3, '3'],
  ] as const)('is in words, and %s is written in it', (name, type, unit, kind, value, text) => {
    expect(describeKind({ name, type, unit })).toBe(kind);
    expect(formatOf({ name, type, unit })(value)).toBe(text);
  });
});

describe('the charts of one metric', () => {
  const chartOf = (of: InstrumentAnswer, labels: readonly string[]): ChartAnswer => ({
    instrument: of,
    times: [1, 2],
    series: labels.map((label) => ({ label, values: [1, null] })),
    exemplars: [{ time: 1, value: 1, traceId: of.service, spanId: 'b', error: false, label: 'a' }],
  });

  it('are as they come where there is one', () => {
    const { series, isByService } = mergeCharts([chartOf(instrument('a', 'x'), ['p50', 'p95', 'p99'])]);
    expect(series.map(({ label }) => label)).toEqual(['p50', 'p95', 'p99']);
    expect(isByService).toBe(false);
  });

  it('are the p95 of each service where there are several, or a line of each with its name', () => {
    const quantiles = mergeCharts([
      chartOf(instrument('a', 'x'), ['/a p50', '/a p95', '/a p99', '/b p95']),
      chartOf(instrument('a', 'y'), ['p50', 'p95', 'p99']),
    ]);
    expect(quantiles.series.map(({ label }) => label)).toEqual(['x /a', 'x /b', 'y']);
    expect(quantiles.exemplars.map(({ traceId }) => traceId)).toEqual(['x', 'y']);
    const gauges = ['x', 'y', 'y'].map((service) => instrument('a', service, { type: 'gauge' }));
    const lines = mergeCharts(gauges.map((gauge, index) => chartOf(gauge, [index === 0 ? 'pool=a' : ''])));
    expect(lines.series.map(({ label }) => label)).toEqual(['x pool=a', 'y', 'y (2)']);
    expect(lines.isByService).toBe(true);
  });

  it('have no lines without an instrument', () => {
    expect(mergeCharts([])).toEqual({ times: [], series: [], exemplars: [], isByService: false });
  });
});
