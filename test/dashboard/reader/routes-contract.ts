import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { childOf, requestOf, type Telemetry, type WrittenSpan } from './telemetry.js';

const MINUTE = 60_000;
const ROUTE = { service: 'orders', method: 'GET', route: '/orders/:id' };

/** Holds what is asked about one route, and about all of them over time, to its promises. @param past the begin of a minute that is over */
export function describeRouteQuestions(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE };
  /** So many in a minute of the range, a few milliseconds apart. */
  const requests = (minute: number, count: number, more: Partial<WrittenSpan> = {}) =>
    Array.from({ length: count }, (_, index) => requestOf(past + minute * MINUTE + index, more));
  const otherRoutes = [
    requestOf(past, { route: '/orders', durationMs: 900 }),
    requestOf(past, { method: 'PUT', durationMs: 900 }),
    requestOf(past, { service: 'users', durationMs: 900 }),
  ];

  describe('the overview of a route', () => {
    it('has only what entered by it', async () => {
      const failed = requestOf(past + 2 * MINUTE, { durationMs: 80, status: 'error' });
      const work = childOf(requestOf(past, { durationMs: 900 }), { status: 'error' });
      await write({ spans: [...otherRoutes, ...requests(1, 10), failed, work] });
      const { times, perSecond, errorsPerSecond, failedWorkPerSecond, p99, exemplars } =
        await readerOf().overview({ ...range, ...ROUTE, buckets: 4 });
      const width = (times[1]! - times[0]!) / 1_000;
      const sum = (rates: readonly number[]) => rates.reduce((total, rate) => total + rate * width, 0);
      expect(sum(perSecond)).toBeCloseTo(11);
      expect(sum(errorsPerSecond)).toBeCloseTo(1);
      expect(sum(failedWorkPerSecond)).toBe(0);
      expect(Math.max(...p99.map((value) => value ?? 0))).toBeCloseTo(80, -1);
      expect(exemplars.find(({ error }) => error)).toMatchObject({
        traceId: failed.traceId,
        spanId: failed.spanId,
        value: 80,
      });
      expect(exemplars.every(({ value }) => value < 900)).toBe(true);
    });

    it('has nothing of a route that is not known', async () => {
      await write({ spans: requests(1, 3) });
      const unknown = await readerOf().overview({ ...range, ...ROUTE, route: "' OR 1=1", buckets: 4 });
      expect(unknown.perSecond).toEqual(unknown.times.map(() => 0));
      expect(unknown.exemplars).toEqual([]);
    });
  });

  it('routes are those of a name and a method, where these are chosen', async () => {
    await write({ spans: [...otherRoutes, ...requests(1, 3)] });
    expect(await readerOf().routes({ ...range, ...ROUTE })).toMatchObject([{ ...ROUTE, count: 3 }]);
    const named = await readerOf().routes({ ...range, service: 'orders', route: '/orders/:id' });
    expect(named.map(({ method, count }) => [method, count])).toEqual([
      ['GET', 3],
      ['PUT', 1],
    ]);
    expect(await readerOf().routes({ ...range, route: '/unknown' })).toEqual([]);
  });

  describe('durations', () => {
    it('count what entered by a route in bars from the shortest to the longest, each once', async () => {
      await write({
        spans: [
          ...otherRoutes,
          ...requests(0, 6, { durationMs: 5 }),
          ...requests(1, 3, { durationMs: 40 }),
          ...requests(2, 1, { durationMs: 640 }),
        ],
      });
      const { count, bars } = await readerOf().durations({ ...range, ...ROUTE, bars: 20 });
      expect(count).toBe(10);
      expect(bars.length).toBeLessThanOrEqual(20);
      expect(bars.length).toBeGreaterThan(6);
      const at = (ms: number) => bars.filter(({ from, to }) => from < ms && ms <= to).map((bar) => bar.count);
      expect([at(5), at(40), at(640)]).toEqual([[6], [3], [1]]);
      expect(bars.reduce((sum, bar) => sum + bar.count, 0)).toBe(10);
      expect([bars[0]!.count, bars.at(-1)!.count]).toEqual([6, 1]);
      for (const [index, { from, to }] of bars.slice(1).entries()) {
        expect(from).toBe(bars[index]!.to);
        expect(to / from).toBeCloseTo(bars[0]!.to / bars[0]!.from);
      }
    });

    it('lead to the traces of a bar', async () => {
      await write({ spans: [...requests(0, 6, { durationMs: 5 }), ...requests(1, 3, { durationMs: 40 })] });
      const { bars } = await readerOf().durations({ ...range, ...ROUTE, bars: 8 });
      const { from, to, count } = bars.at(-1)!;
      const { items } = await readerOf().traces({ ...range, ...ROUTE, minMs: from, maxMs: to });
      expect(items).toHaveLength(count);
    });

    it('are those of a service, or of all, where no route is named, and fit into one bar', async () => {
      await write({ spans: [...otherRoutes, ...requests(0, 2)] });
      const of = async (service?: string) =>
        (await readerOf().durations({ ...range, service, bars: 1 })).bars;
      expect((await of()).map(({ count }) => count)).toEqual([5]);
      expect((await of('orders')).map(({ count }) => count)).toEqual([4]);
      expect(await of('unknown')).toEqual([]);
    });

    it('begin at zero with what took no time', async () => {
      await write({ spans: requests(0, 2, { durationMs: 0 }) });
      expect(await readerOf().durations({ ...range, ...ROUTE, bars: 10 })).toMatchObject({
        count: 2,
        bars: [{ from: 0, count: 2 }],
      });
    });
  });

  describe('trends', () => {
    const ask = (service?: string) =>
      readerOf().trends({ ...range, service, buckets: 4, recentFrom: past + 3 * MINUTE });

    it('are of nothing where nothing was called', async () => {
      const { times, recentFrom, ...lists } = await ask();
      expect(lists).toEqual({ services: [], routes: [] });
      expect(times).toContain(recentFrom);
    });

    it('follow each route over time, and tell the last part from the part before', async () => {
      await write({
        spans: [
          ...requests(0, 20, { durationMs: 10 }),
          ...requests(2, 20, { durationMs: 20 }),
          // Two writes of one bucket add up.
          ...requests(3, 5, { durationMs: 160 }),
        ],
      });
      await write({ spans: requests(3, 5, { durationMs: 160, status: 'error' }) });
      const { times, recentFrom, routes, services } = await ask();
      expect([times.length, recentFrom]).toEqual([4, past + 3 * MINUTE]);
      expect(routes).toMatchObject([
        {
          ...ROUTE,
          all: { count: 50, errorShare: 0.1 },
          recent: { count: 10, errorShare: 0.5 },
          earlier: { count: 40, errorShare: 0 },
        },
      ]);
      const [{ p95, all, recent, earlier }] = routes as [(typeof routes)[0]]; // as matched
      expect(p95.map((value) => value && Math.round(value / 10))).toEqual([1, null, 2, 16]);
      for (const [value, wanted] of [
        [earlier.p50, 10],
        [earlier.p95, 20],
        [recent.p50, 160],
        [all.p50, 20],
        [all.p95, 160],
      ])
        expect(value! / wanted!).toBeCloseTo(1, 1);
      const [orders] = services;
      expect(orders!.service).toBe('orders');
      expect(orders!.p95.map((value) => value && Math.round(value / 10))).toEqual([1, null, 2, 16]);
      expect(orders!.perSecond.map((rate) => Math.round(rate * 60))).toEqual([20, 0, 20, 10]);
      expect(orders!.errorsPerSecond.map((rate) => Math.round(rate * 60))).toEqual([0, 0, 0, 5]);
    });

    it('are of one service, or of all', async () => {
      await write({ spans: [...otherRoutes, ...requests(1, 2)] });
      const routesOf = async (service?: string) =>
        (await ask(service)).routes.map((each) => `${each.service} ${each.method} ${each.route}`).sort();
      expect(await routesOf('users')).toEqual(['users GET /orders/:id']);
      expect(await routesOf()).toEqual([
        'orders GET /orders',
        'orders GET /orders/:id',
        'orders PUT /orders/:id',
        'users GET /orders/:id',
      ]);
      expect((await ask('unknown')).services).toEqual([]);
      expect((await ask()).services.map(({ service }) => service).sort()).toEqual(['orders', 'users']);
    });
  });
}
