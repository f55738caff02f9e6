import { type TelemetryReader } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import {
  childOf,
  lineOf,
  newSpanId,
  newTraceId,
  requestOf,
  type Telemetry,
  type WrittenLog,
  type WrittenSpan,
} from './telemetry.js';

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

  it('what traces of a region have in common is weighed by what they stand for', async () => {
    const slow = (weight: number, attributes: Record<string, string>) => (_: unknown, index: number) =>
      requestOf(past + MINUTE + index, { durationMs: 500, weight, attributes });
    await write({
      spans: [
        // Half of those that were recorded are free, and a ninth of those that there were.
        ...Array.from({ length: 10 }, slow(1, { plan: 'free', region: 'us' })),
        ...Array.from({ length: 10 }, slow(8, { plan: 'paid', region: 'eu' })),
        ...Array.from({ length: 20 }, (_, index) =>
          requestOf(past + MINUTE + index, {
            durationMs: 5,
            weight: 8,
            attributes: { plan: index < 2 ? 'free' : 'paid', region: 'us' },
          }),
        ),
      ],
    });
    const { selected, others, attributes } = await readerOf().selection({
      ...range,
      service: 'orders',
      route: '/orders/:id',
      minMs: 100,
    });
    expect([selected, others]).toEqual([20, 20]);
    const eu = { key: 'region', value: 'eu', selectedShare: 80 / 90, otherShare: 0, alike: [] };
    expect(attributes).toEqual([eu]);
  });

  it('errors count as many as their spans stand for, and lines of logs one each', async () => {
    const failure = (minute: number, weight: number, more: Partial<WrittenSpan> = {}) =>
      requestOf(past + minute * MINUTE, {
        status: 'error',
        weight,
        attributes: { 'user.id': `user ${weight}` },
        events: [{ name: 'exception', time: past, attributes: { 'exception.type': 'StockError' } }],
        ...more,
      });
    const error = { 'exception.type': 'StockError', 'exception.message': 'caught' };
    await write({
      spans: [failure(0, 8), failure(1, 2, { version: '2.0.0', route: '/carts' }), failure(1, 1)],
      logs: [0, 1].map((minute) =>
        lineOf(past + minute * MINUTE, { service: 'jobs', level: 50, attributes: error }),
      ),
    });
    const asked = { ...range, buckets: 4 };
    const { errors } = await readerOf().errors({ ...asked, order: 'count' });
    expect(errors.map(({ service, count, total }) => [service, count, total])).toEqual([
      ['orders', 11, 11],
      ['jobs', 2, 2],
    ]);
    const [{ fingerprint, counts }] = errors as [(typeof errors)[number]];
    expect(counts.filter((count) => count > 0)).toEqual([8, 3]);
    const found = await readerOf().error({ ...asked, service: 'orders', fingerprint });
    const countsOf = (parts: readonly { readonly value: string; readonly count: number }[]) =>
      Object.fromEntries(parts.map(({ value, count }) => [value, count]));
    expect(countsOf(found!.routes)).toEqual({ 'GET /orders/:id': 9, 'GET /carts': 2 });
    expect(countsOf(found!.versions)).toEqual({ '1.0.0': 9, '2.0.0': 2 });
    expect(countsOf(found!.affectedUsers)).toEqual({ 'user 8': 8, 'user 2': 2, 'user 1': 1 });
    expect(found!.users).toBe(3);
    const ofVersion = await readerOf().errors({ ...asked, service: 'orders', version: '1.0.0' });
    expect(ofVersion.errors.map(({ count }) => count)).toEqual([9]);
  });

  it('a failure that left a line in a trace that was not recorded counts once, a line outside of traces in addition', async () => {
    const fingerprint = { 'exception.fingerprint': 'f1' };
    const exception = { ...fingerprint, 'exception.type': 'StockError', 'exception.message': 'gone' };
    const line = (minute: number, more: Partial<WrittenLog>) =>
      lineOf(past + minute * MINUTE, { level: 50, attributes: exception, ...more });
    await write({
      spans: [
        requestOf(past, {
          status: 'error',
          weight: 8,
          attributes: fingerprint,
          events: [{ name: 'exception', time: past, attributes: exception }],
        }),
      ],
      logs: [
        line(1, { traceId: newTraceId(), spanId: newSpanId() }),
        line(1, { traceId: newTraceId(), spanId: newSpanId() }),
        line(2, {}),
      ],
    });
    const { errors } = await readerOf().errors({ ...range, buckets: 4 });
    expect(errors.map((error) => [error.fingerprint, error.count, error.total])).toEqual([['f1', 9, 9]]);
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
