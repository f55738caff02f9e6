import {
  findRoutes,
  findServices,
  readDurations,
  readOverview,
} from '../../../lib/dashboard/sqlite/queries/overview.js';
import { readTrace } from '../../../lib/dashboard/sqlite/queries/read-trace.js';
import { SPAN_KIND, SPAN_STATUS } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { newTraceId, ORDERS, resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const MINUTE = 60_000;

describe('services, routes and the overview', () => {
  it('count what entered, and say how long it took, within two percent', async () => {
    const store = openTestStore();
    const now = Date.now();
    for (let index = 1; index <= 1_000; index += 1)
      store.addSpan(
        spanOf({
          start: (now - 30_000) * 1_000,
          duration: index * 1_000,
          status: index > 990 ? SPAN_STATUS.error : 0,
        }),
      );
    // Inside of another, and a call of somebody else: nothing entered by them.
    store.addSpan(spanOf({ kind: SPAN_KIND.internal, parentLow: 1, start: (now - 30_000) * 1_000 }));
    store.addSpan(spanOf({ kind: SPAN_KIND.client, start: (now - 30_000) * 1_000 }));
    await store.flush();
    const range = { from: now - 5 * MINUTE, to: now };

    const [service] = store.read((database) => findServices(database, range));
    expect(service).toMatchObject({
      name: 'orders',
      version: '1.0.0',
      environment: 'test',
      count: 1_000,
      errorShare: 0.01,
    });
    const near = (value: number | null | undefined, wanted: number) => {
      expect(Math.abs((value ?? 0) - wanted) / wanted).toBeLessThan(0.02);
    };
    near(service?.p50, 500);
    near(service?.p95, 950);
    near(service?.p99, 990);
    expect(service?.perSecond).toBeCloseTo(1_000 / 300, 0);

    const overview = store.read((database) =>
      readOverview(database, { ...range, service: 'orders', buckets: 5 }),
    );
    expect(overview.times).toHaveLength(overview.p95.length);
    const total = overview.perSecond.filter((rate) => rate > 0);
    expect(total).toHaveLength(1);
    near(
      overview.p95.find((value) => value !== null),
      950,
    );
    const [failed, slow] = overview.exemplars;
    expect([failed?.value, failed?.error, slow?.value, slow?.error]).toEqual([1_000, true, 990, false]);
    expect(store.read((database) => readTrace(database, slow!.traceId))?.summary.pinned).toBe(true);
  });

  it('keep the sums of several processes of a service together', async () => {
    const store = openTestStore();
    const now = Date.now();
    for (const instance of ['1', '2', '3'])
      for (let index = 0; index < 10; index += 1)
        store.addSpan(spanOf({ resource: resourceOf('orders', { instance }), start: now * 1_000 }));
    await store.flush();
    const range = { from: now - MINUTE, to: now + 1 };
    expect(store.read((database) => findServices(database, range)).map(({ count }) => count)).toEqual([30]);
  });

  it.each([
    ['ten minutes', 10 * MINUTE],
    ['three hours', 180 * MINUTE],
    ['a day', 24 * 60 * MINUTE],
    ['a month', 30 * 24 * 60 * MINUTE],
  ])('have what happened just now in %s too', async (_, length) => {
    const store = openTestStore();
    for (let index = 0; index < 7; index += 1) store.addSpan(spanOf());
    await store.flush();
    const range = { from: Date.now() - length, to: Date.now() + 1 };
    expect(store.read((database) => findRoutes(database, range))[0]?.count).toBe(7);
    const { times, perSecond } = store.read((database) => readOverview(database, { ...range, buckets: 60 }));
    expect(times.length).toBeLessThanOrEqual(180);
    expect(perSecond.some((rate) => rate > 0)).toBe(true);
  });

  it.each([6, 30, 380])(
    'count each request of %i minutes once, whatever lengths of time its sums are of',
    async (minutes) => {
      const store = openTestStore();
      const end = Math.floor(Date.now() / MINUTE) * MINUTE;
      for (let minute = 1; minute <= 401; minute += 1)
        for (const route of ['/a', '/b'])
          for (const second of [0, 59])
            store.addSpan(spanOf({ route, start: (end - minute * MINUTE + second * 1_000) * 1_000 }));
      await store.flush();
      // Whole slots of any length that may be read.
      const range = { from: Math.floor((end - minutes * MINUTE) / 600_000) * 600_000, to: end };
      const expected = 2 * Math.min(401, (range.to - range.from) / MINUTE);
      const routes = store.read((database) => findRoutes(database, range));
      const bars = store.read((database) => readDurations(database, { ...range, bars: 10 }));
      expect(routes.map(({ route, count }) => [route, count])).toEqual([
        ['/a', expected],
        ['/b', expected],
      ]);
      expect(bars.count).toBe(2 * expected);
      expect(store.read((database) => findServices(database, range))[0]?.count).toBe(2 * expected);
      const { times, perSecond, p99 } = store.read((database) =>
        readOverview(database, { ...range, buckets: 10 }),
      );
      const width = (times[1] ?? 0) - (times[0] ?? 0);
      const counted = times.map(
        (time, index) => ((Math.min(time + width, Date.now()) - time) / 1_000) * (perSecond[index] ?? 0),
      );
      expect(Math.round(counted.reduce((a, b) => a + b) / 2)).toBe(expected);
      expect(p99.every((value) => value === null || Math.abs(value - 5) < 0.1)).toBe(true);
    },
  );

  it('show routes that were never called, and forget those that are gone', async () => {
    const store = openTestStore();
    const range = { from: Date.now() - MINUTE, to: Date.now() + 1 };
    const routes = () =>
      store
        .read((database) => findRoutes(database, range))
        .map(({ method, route, handler, count }) => [method, route, handler, count]);
    store.declareRoutes(ORDERS, [
      { method: 'GET', route: '/orders/:id', handler: 'OrderController.find' },
      { method: 'DELETE', route: '/orders/:id', handler: 'OrderController.remove' },
    ]);
    store.addSpan(spanOf());
    await store.flush();
    expect(routes()).toEqual([
      ['GET', '/orders/:id', 'OrderController.find', 1],
      ['DELETE', '/orders/:id', 'OrderController.remove', 0],
    ]);
    store.declareRoutes(ORDERS, [{ method: 'GET', route: '/orders', handler: 'OrderController.list' }]);
    expect(routes()).toEqual([
      ['GET', '/orders/:id', 'OrderController.find', 1],
      ['GET', '/orders', 'OrderController.list', 0],
    ]);
  });

  it('name messages, calls and runs by what they are', async () => {
    const store = openTestStore();
    const plain = { method: undefined, route: undefined };
    store.addSpan(spanOf({ ...plain, kind: SPAN_KIND.consumer, name: 'process orders', parentLow: 5 }));
    store.addSpan(spanOf({ ...plain, kind: SPAN_KIND.server, name: 'OrderService/Get' }));
    store.addSpan(spanOf({ ...plain, kind: SPAN_KIND.internal, name: 'cron cleanup' }));
    await store.flush();
    const range = { from: Date.now() - MINUTE, to: Date.now() + 1 };
    expect(
      store.read((database) => findRoutes(database, range)).map(({ method, route }) => `${method} ${route}`),
    ).toEqual(['RUN cron cleanup', 'RPC OrderService/Get', 'CONSUME process orders']);
  });
});

describe('failed work in a trace of thousands of spans', () => {
  it('is counted in steps, of which none blocks the event loop for long', async () => {
    const store = openTestStore();
    const now = Date.now();
    const failedWork = () =>
      store.read((database) => findServices(database, { from: now - MINUTE, to: now + MINUTE }))[0]
        ?.failedWork;
    const inner = { traceId: newTraceId(), kind: SPAN_KIND.internal, method: undefined, route: undefined };
    const parents = Array.from({ length: 2_000 }, () => spanOf({ ...inner, parentLow: 1 }));
    for (const parent of parents) store.addSpan(parent);
    await store.flush();
    for (const { idHigh, idLow } of parents)
      store.addSpan(spanOf({ ...inner, parentHigh: idHigh, parentLow: idLow, status: SPAN_STATUS.error }));
    await eventually(() => store.queued === 0);
    store.maintain();
    const inOneStep = failedWork();
    await store.flush();
    expect(failedWork()).toBe(2_000);
    expect(inOneStep).toBeLessThan(2_000);
    expect(inOneStep).toBeGreaterThan(0);
  });
});
