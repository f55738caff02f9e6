import { QueryParameters, type Question } from '../../../../lib/dashboard/api/question.js';
import { askRoute, askRouteSample } from '../../../../lib/dashboard/panels/route/query.js';
import { barQuery, ticksOf } from '../../../../lib/dashboard/panels/route/view/bar-scale.js';
import { durationStep, joinBars } from '../../../../lib/dashboard/reader/duration-bars.js';
import { type Steps, takeAllSteps } from '../../../../lib/dashboard/steps.js';
import { createMemoryReader } from '../../reader/memory-reader.js';
import { childOf, requestOf, type WrittenSpan } from '../../reader/telemetry.js';

const TO = 1_800_000_000_000;

const FROM = TO - 10 * 60_000;

const HTTP = { 'http.request.method': 'GET', 'http.route': '/orders/:id' };

const { reader, write } = createMemoryReader();

const question = (parameters: Record<string, string>): Question => ({
  reader,
  query: new QueryParameters(new URLSearchParams({ from: String(FROM), to: String(TO), ...parameters })),
  params: {},
  running: () => [],
  work: <T>(steps: Steps<T>) => Promise.resolve(takeAllSteps(steps)),
  signal: new AbortController().signal,
});

const ROUTE = { service: 'orders', method: 'GET', route: '/orders/:id' };

/** A gateway asks `orders`, which takes so long, of which its database takes a part. */
function requestThroughGateway(
  start: number,
  ms: number,
  databaseMs: number,
  more: Partial<WrittenSpan> = {},
) {
  const gateway = requestOf(start, {
    service: 'gateway',
    name: 'GET /shop',
    route: '/shop',
    durationMs: ms + 500,
    attributes: { 'http.request.method': 'GET', 'http.route': '/shop' },
  });
  const call = childOf(gateway, { kind: 'client', name: 'GET', durationMs: ms + 20 });
  const order = requestOf(start + 2, {
    traceId: gateway.traceId,
    parentSpanId: call.spanId,
    durationMs: ms,
    attributes: HTTP,
    ...more,
  });
  const statement = childOf(order, {
    kind: 'client',
    name: 'SELECT',
    durationMs: databaseMs,
    attributes: {
      'db.system.name': 'postgresql',
      'db.query.summary': 'SELECT orders',
      'server.address': 'db',
    },
  });
  return [gateway, call, order, statement] as const;
}

describe('the page of a route', () => {
  const usual = Array.from({ length: 20 }, (_, index) =>
    requestThroughGateway(FROM + index * 1_000, 100, 20),
  );
  const slow = requestThroughGateway(FROM + 30_000, 900, 800);
  const failed = requestThroughGateway(FROM + 40_000, 50, 10, { status: 'error', version: '2.0.0' });

  beforeAll(() => write({ spans: [...usual.flat(), ...slow, ...failed] }));

  it('has the figures, the durations and the versions of that route alone', async () => {
    const { routes, durations, versions, regressions } = await askRoute(question(ROUTE));
    expect(routes).toMatchObject([{ ...ROUTE, count: 22 }]);
    expect(durations.count).toBe(22);
    expect(durations.bars.at(-1)).toMatchObject({ count: 1 });
    expect(versions.map(({ version, count }) => [version, count])).toEqual([
      ['2.0.0', 1],
      ['1.0.0', 21],
    ]);
    expect(regressions).toEqual([]);
  });

  it('divides the time within the route alone, beside that of the slowest', async () => {
    const { newest, slow: ofSlow, since, byKind } = await askRouteSample(question(ROUTE));
    expect([newest, ofSlow, since]).toEqual([22, 10, FROM + 2]);
    const database = byKind.find(({ kind }) => kind === 'database')!;
    expect(database.typicalMs).toBeCloseTo((20 * 20 + 800 + 10) / 22);
    expect(database.slowMs).toBeCloseTo((9 * 20 + 800) / 10);
    expect(database.slowest).toEqual({
      traceId: slow[0].traceId,
      spanId: slow[3].spanId,
      name: 'SELECT',
      host: 'db',
      ms: 800,
    });
    // 500 ms of the gateway are not its.
    const handler = byKind.find(({ kind }) => kind === 'handler')!;
    expect(handler.typicalMs).toBeCloseTo((20 * 80 + 100 + 40) / 22);
    expect(byKind.map(({ kind }) => kind)).toEqual(['handler', 'database']);
  });

  it('ranks operations within the route, and leads to slow, typical and failed requests', async () => {
    const { operations, slowest, typical, failed: failures } = await askRouteSample(question(ROUTE));
    expect(operations).toMatchObject([
      { kind: 'request', service: 'orders', count: 22, selfMs: 1_740 },
      { kind: 'statement', name: 'SELECT orders', count: 22, selfMs: 1_210 },
    ]);
    expect(slowest[0]).toMatchObject({ traceId: slow[0].traceId, spanId: slow[2].spanId, value: 900 });
    expect(failures).toMatchObject([{ traceId: failed[0].traceId, value: 50, error: true }]);
    expect(typical).toHaveLength(3);
    expect(typical.every(({ value, error }) => value === 100 && !error)).toBe(true);
  });

  it('divides the time as if all requests had been recorded, where spans say for how many they stand', async () => {
    const route = { service: 'orders', method: 'GET', route: '/sampled' };
    const requests = [
      { durationMs: 10, weight: 9 },
      { durationMs: 400, weight: 1 },
      { durationMs: 400, weight: 1 },
    ].map((each, index) =>
      requestOf(FROM + index, {
        ...each,
        route: route.route,
        attributes: { ...HTTP, 'http.route': route.route },
      }),
    );
    await write({ spans: requests });
    const { newest, byKind, typical } = await askRouteSample(question(route));
    expect(newest).toBe(3);
    expect(byKind[0]!.typicalMs).toBeCloseTo((9 * 10 + 2 * 400) / 11);
    expect(typical[0]!.value).toBe(10);
  });

  it('is of every method where none is chosen, and of nothing for an unknown route', async () => {
    const { service, route } = ROUTE;
    expect((await askRoute(question({ service, route }))).durations.count).toBe(22);
    const unknown = question({ ...ROUTE, route: '/unknown' });
    expect(await askRoute(unknown)).toEqual({
      routes: [],
      durations: { count: 0, bars: [] },
      versions: [],
      regressions: [],
    });
    expect(await askRouteSample(unknown)).toMatchObject({ newest: 0, slow: 0, byKind: [], operations: [] });
  });

  it('knows messages by their destination', async () => {
    const message = requestOf(FROM, {
      service: 'jobs',
      kind: 'consumer',
      name: 'mails',
      method: 'CONSUME',
      route: 'mails',
    });
    await write({ spans: [message] });
    const of = async (name: Record<string, string>) => (await askRouteSample(question(name))).newest;
    expect(await of({ service: 'jobs', method: 'CONSUME', route: 'mails' })).toBe(1);
  });

  it('needs a service and a route', async () => {
    await expect(askRoute(question({ service: 'orders' }))).rejects.toThrow('route must be given');
    await expect(askRouteSample(question({ route: '/a' }))).rejects.toThrow('service must be given');
  });

  it('passes over traces that are too large to be looked at', async () => {
    const large = requestOf(FROM + 60_000, {
      service: 'big',
      route: '/big',
      name: 'GET /big',
      attributes: { 'http.request.method': 'GET', 'http.route': '/big' },
    });
    const small = requestOf(FROM + 50_000, {
      service: 'big',
      route: '/big',
      name: 'GET /big',
      attributes: large.attributes,
    });
    await write({ spans: [large, ...Array.from({ length: 4_000 }, () => childOf(large)), small] });
    expect(await askRouteSample(question({ service: 'big', method: 'GET', route: '/big' }))).toMatchObject({
      newest: 1,
    });
  });
});

const barsOf = (durations: readonly number[], max: number) =>
  joinBars(
    durations.map((ms) => [durationStep(ms), 1]),
    max,
  );

describe('the bars of durations', () => {
  it('lead to whole microseconds, none of which two bars have', () => {
    const bars = barsOf([1, 3, 10, 700], 12);
    for (const [index, bar] of bars.entries()) {
      const { min, max } = barQuery(bar);
      expect(min).toMatch(/^\d+(\.\d{1,3})?ms$/);
      const next = bars[index + 1];
      if (next) expect(Number.parseFloat(barQuery(next).min)).toBeCloseTo(Number.parseFloat(max) + 0.001);
    }
    expect(barQuery({ from: 0, to: 0.001 })).toEqual({ min: '0ms', max: '0.001ms' });
    expect(barQuery({ from: 1.024, to: 2.048 })).toEqual({ min: '1.025ms', max: '2.048ms' });
  });

  it('have round durations below them: decades, or finer ones where these are few', () => {
    expect(ticksOf(barsOf([0.001, 100_000], 60)).map(({ ms }) => ms)).toEqual([
      0.001, 0.1, 10, 1_000, 100_000,
    ]);
    expect(ticksOf(barsOf([3, 40], 60)).map(({ ms }) => ms)).toEqual([5, 10, 20]);
    expect(ticksOf([])).toEqual([]);
    for (const { at } of ticksOf(barsOf([2, 5_000], 60))) {
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThanOrEqual(1);
    }
  });

  it('begin at zero for what took no time', () => {
    const bars = barsOf([0], 10);
    expect(bars).toEqual([{ from: 0, to: 0.001, count: 1 }]);
    expect(ticksOf(bars).map(({ ms }) => ms)).toEqual([0.001]);
  });
});
