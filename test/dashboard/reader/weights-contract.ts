import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { childOf, requestOf, type Telemetry } from './telemetry.js';

const MINUTE = 60_000;
const ROUTE = { service: 'orders', method: 'GET', route: '/orders/:id' };

/**
 * Holds what counts spans to what they stand for where only a part was recorded. @param past the begin of a minute that is over
 */
export function describeWeights(
  readerOf: () => TelemetryReader,
  write: (telemetry: Telemetry) => Promise<void>,
  past: number,
): void {
  const range = { from: past, to: past + 4 * MINUTE };
  const sum = (rates: readonly number[], times: readonly number[]) =>
    rates.reduce((total, rate) => total + rate * ((times[1]! - times[0]!) / 1_000), 0);

  /** 30 requests: three that stand for eight each, four for one, of which one failed; and one that stands for two. */
  const sampled = Array.from({ length: 3 }, (_, index) =>
    requestOf(past + index, { durationMs: 10, weight: 8 }),
  );
  const kept = Array.from({ length: 3 }, (_, index) => requestOf(past + MINUTE + index, { durationMs: 400 }));
  const failed = requestOf(past + MINUTE + 10, { durationMs: 400, status: 'error' });
  const half = requestOf(past + 2 * MINUTE, { durationMs: 20, weight: 2 });
  const entries = [...sampled, ...kept, failed, half];
  const statement = {
    name: 'SELECT',
    kind: 'client' as const,
    attributes: { 'db.system.name': 'postgresql' },
  };
  const spans = entries.flatMap((entry) => [
    entry,
    childOf(entry, {
      ...statement,
      durationMs: 4,
      ...(entry.weight !== undefined && { weight: entry.weight }),
    }),
  ]);
  const work = requestOf(past, { service: 'jobs', kind: 'consumer', weight: 8 });

  it('requests are counted by route as processes counted them, whatever was recorded', async () => {
    const point = (minute: number, route: string | undefined, counts: readonly number[]) => ({
      service: 'orders',
      name: 'http.server.request.duration',
      type: 'histogram' as const,
      unit: 's',
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': String(200 + minute),
        ...(route !== undefined && { 'http.route': route }),
      },
      time: past + minute * MINUTE + 5_000,
      value: 1,
      boundaries: [1],
      counts,
      min: 0,
      max: 2,
    });
    const other = { ...point(1, '/orders/:id', [9, 9]), name: 'http.client.request.duration' };
    await write({
      points: [
        point(0, '/orders/:id', [30, 1]),
        point(1, '/orders/:id', [9, 0]),
        point(2, undefined, [0, 3]),
        other,
      ],
    });
    const counts = await readerOf().requestCounts(range);
    expect([...counts].sort((a, b) => b.count - a.count)).toEqual([
      { service: 'orders', method: 'GET', route: '/orders/:id', count: 40 },
      { service: 'orders', method: 'GET', route: '', count: 3 },
    ]);
    expect(await readerOf().requestCounts({ from: past - 9 * MINUTE, to: past })).toEqual([]);
  });

  describe('where spans stand for others, they count as many', () => {
    beforeEach(() => write({ spans: [...spans, work, childOf(work, { status: 'error', weight: 8 })] }));

    it('in services and routes, with their errors and quantiles', async () => {
      const services = await readerOf().services(range);
      expect(services.map(({ name, count, failedWork }) => [name, count, failedWork])).toEqual([
        ['orders', 30, 0],
        ['jobs', 8, 8],
      ]);
      const [orders] = services;
      expect(orders!.errorShare).toBeCloseTo(1 / 30);
      expect(orders!.perSecond).toBeCloseTo(30 / 240, 1);
      expect(Math.abs(orders!.p50 - 10)).toBeLessThanOrEqual(0.3);
      // 26 of 30 took 20 ms at most.
      expect(Math.abs(orders!.p95 - 400)).toBeLessThanOrEqual(12);
      const [route] = await readerOf().routes({ ...range, ...ROUTE });
      expect(route).toMatchObject({ ...ROUTE, count: 30 });
      expect(route!.errorShare).toBeCloseTo(1 / 30);
      expect(Math.abs(route!.p50! - 10)).toBeLessThanOrEqual(0.3);
    });

    it('over time', async () => {
      const { times, perSecond, errorsPerSecond, failedWorkPerSecond } = await readerOf().overview({
        ...range,
        buckets: 4,
      });
      expect(sum(perSecond, times)).toBeCloseTo(38);
      expect(sum(errorsPerSecond, times)).toBeCloseTo(1);
      expect(sum(failedWorkPerSecond, times)).toBeCloseTo(8);
    });

    it('among the durations and trends of a route', async () => {
      const { count, bars } = await readerOf().durations({ ...range, ...ROUTE, bars: 100 });
      expect(count).toBe(30);
      expect(bars.reduce((total, bar) => total + bar.count, 0)).toBe(30);
      expect(bars[0]!.count).toBe(24);
      const trends = await readerOf().trends({
        ...range,
        service: 'orders',
        buckets: 4,
        recentFrom: past + MINUTE,
      });
      const [{ all, recent, earlier }] = trends.routes as [(typeof trends.routes)[number]];
      expect([all.count, recent.count, earlier.count]).toEqual([30, 6, 24]);
      expect(
        [all.errorShare, recent.errorShare, earlier.errorShare].map((share) => share.toFixed(3)),
      ).toEqual(['0.033', '0.167', '0.000']);
      expect(sum(trends.services[0]!.perSecond, trends.times)).toBeCloseTo(30);
    });

    it('among versions, operations and what calls what', async () => {
      const [version] = await readerOf().routeVersions({ service: 'orders' });
      expect(version).toMatchObject({ ...ROUTE, count: 30 });
      expect(version!.errorShare).toBeCloseTo(1 / 30);
      const { operations } = await readerOf().operations({ ...range, service: 'orders' });
      const found = Object.fromEntries(operations.map((operation) => [operation.kind, operation]));
      expect(found.request).toMatchObject({ count: 30, errors: 1 });
      expect(found.statement).toMatchObject({ count: 30, errors: 0, totalMs: 120, perTrace: 1 });
      // 24 × 10 + 4 × 400 + 2 × 20, less what the statements took.
      expect(found.request!.selfMs).toBeCloseTo(1_880 - 120);
      const { edges } = await readerOf().serviceMap({ ...range, service: 'orders' });
      expect(edges.map(({ from, count, errors }) => [from, count, errors])).toEqual([
        [undefined, 30, 1],
        ['service:orders', 30, 0],
      ]);
    });

    it('in what is asked about some processes', async () => {
      const ofVersion = { ...range, version: '1.0.0' };
      const services = await readerOf().services(ofVersion);
      expect(services.map(({ name, count, failedWork }) => [name, count, failedWork])).toEqual([
        ['orders', 30, 0],
        ['jobs', 8, 8],
      ]);
      const { operations } = await readerOf().operations({ ...ofVersion, service: 'orders' });
      expect(operations.find(({ kind }) => kind === 'statement')).toMatchObject({ count: 30, totalMs: 120 });
    });

    it('and say so themselves', async () => {
      const [first] = sampled;
      const { spans: read } = (await readerOf().trace(first!.traceId))!;
      expect(read.map(({ weight }) => weight)).toEqual([8, 8]);
      const { spans: own } = (await readerOf().trace(failed.traceId))!;
      expect(own.map(({ weight }) => weight)).toEqual([undefined, undefined]);
    });
  });
}
