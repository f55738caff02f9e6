import { QueryParameters } from '../../../../lib/dashboard/api/question.js';
import {
  compareRoutes,
  type Side,
  sideOfRange,
} from '../../../../lib/dashboard/panels/versions/compare-routes.js';
import { askComparison, type ComparisonAnswer } from '../../../../lib/dashboard/panels/versions/query.js';
import { otherBeginOf } from '../../../../lib/dashboard/panels/versions/view/other-begin.js';
import { type TelemetryReader } from '../../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { createMemoryReader } from '../../reader/memory-reader.js';
import { requestOf, type WrittenSpan } from '../../reader/telemetry.js';

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;
const HOUR = 60 * MINUTE;

const sideOf = (
  routes: readonly (readonly [route: string, count: number, p95: number, errorShare?: number])[],
): Side =>
  sideOfRange(
    routes.map(([route, count, p95, errorShare = 0]) => ({
      service: 'orders',
      method: 'GET',
      route,
      handler: undefined,
      count,
      perSecond: count / 60,
      errorShare,
      p50: p95,
      p95,
      lastSeen: NOW,
    })),
    { from: NOW, to: NOW + MINUTE },
  );

describe('routes before and after', () => {
  it('are ranked by regression, with the rules of the findings', () => {
    const before = sideOf([
      ['/same', 900, 100],
      ['/slower', 500, 100],
      ['/much slower', 500, 100],
      ['/fails', 500, 100],
      ['/better', 500, 400],
      ['/gone', 50, 100],
      ['/few', 29, 100],
    ]);
    const after = sideOf([
      ['/same', 900, 110],
      ['/slower', 500, 300],
      ['/much slower', 500, 900],
      ['/fails', 500, 900, 0.2],
      ['/better', 500, 100],
      ['/new', 50, 100],
      ['/few', 500, 9_000],
    ]);
    expect(compareRoutes(before, after).map(({ route, verdict }) => [route, verdict])).toEqual([
      ['/fails', 'failing'],
      ['/much slower', 'slower'],
      ['/slower', 'slower'],
      ['/better', 'better'],
      ['/same', 'same'],
      ['/new', 'only-b'],
      ['/gone', 'only-a'],
      ['/few', 'few'],
    ]);
  });

  it('leave out routes that were not called on either side', () => {
    expect(compareRoutes(sideOf([['/never', 0, 0]]), sideOf([['/never', 0, 0]]))).toEqual([]);
  });
});

describe('GET comparison', () => {
  const ask = (reader: TelemetryReader, query: string): Promise<ComparisonAnswer> =>
    askComparison({
      reader,
      query: new QueryParameters(new URLSearchParams(query)),
      params: {},
      work: () => Promise.reject(new Error('nothing to work on')),
      running: () => [],
      signal: new AbortController().signal,
    });
  const requests = (count: number, start: number, more: Partial<WrittenSpan>) =>
    Array.from({ length: count }, (_, index) => requestOf(start + index * 100, more));
  const readerOf = async (...spans: readonly (readonly WrittenSpan[])[]): Promise<TelemetryReader> => {
    const { reader, write } = createMemoryReader();
    await write({ spans: spans.flat() });
    return reader;
  };

  it('compares the last change of a version where nothing else is asked for', async () => {
    const reader = await readerOf(
      requests(50, NOW, { version: '1', durationMs: 10 }),
      requests(50, NOW + MINUTE, { version: '2', durationMs: 10 }),
      requests(50, NOW + 2 * MINUTE, { version: '3', durationMs: 90 }),
      // Later, but it has only one version.
      requests(50, NOW + 3 * MINUTE, { service: 'users', version: '9' }),
    );
    expect(await ask(reader, '')).toMatchObject({
      service: 'orders',
      versions: ['3', '2', '1'],
      a: { version: '2', from: NOW + MINUTE, to: NOW + MINUTE + 4_901 },
      b: { version: '3', from: NOW + 2 * MINUTE },
      total: 1,
      routes: [
        {
          method: 'GET',
          route: '/orders/:id',
          verdict: 'slower',
          a: { count: 50, p95: 10, from: NOW + MINUTE, to: NOW + MINUTE + 4_901 },
          b: { count: 50, p95: 90 },
        },
      ],
    });
  });

  it('compares any two versions of a service, also the newer with the older', async () => {
    const reader = await readerOf(
      requests(50, NOW, { version: '1', durationMs: 10 }),
      requests(50, NOW + MINUTE, { version: '2', durationMs: 90 }),
    );
    expect(await ask(reader, 'service=orders&a=2&b=1')).toMatchObject({
      a: { version: '2' },
      b: { version: '1' },
      routes: [{ verdict: 'better' }],
    });
    // The one before the oldest is not known.
    expect(await ask(reader, 'service=orders&b=1')).toMatchObject({
      a: undefined,
      b: { version: '1' },
      routes: [],
    });
  });

  it('has nothing to compare where there is one version, or none by that name', async () => {
    const reader = await readerOf(requests(50, NOW, { version: '1' }));
    expect(await ask(reader, '')).toMatchObject({
      service: 'orders',
      versions: ['1'],
      a: undefined,
      routes: [],
    });
    expect(await ask(reader, 'service=orders&a=0.9')).toMatchObject({ a: undefined, routes: [], total: 0 });
    expect(await ask(reader, 'service=unknown')).toMatchObject({
      service: 'unknown',
      versions: [],
      routes: [],
    });
  });

  it('compares a range with the one before, or with one of the same length at another time', async () => {
    const reader = await readerOf(
      requests(40, NOW - HOUR, { durationMs: 10 }),
      requests(40, NOW, { durationMs: 90, status: 'error' }),
      requests(40, NOW - 24 * HOUR, { durationMs: 90, status: 'error' }),
      requests(40, NOW, { service: 'users', route: '/users' }),
    );
    const range = `by=time&service=orders&from=${NOW}&to=${NOW + HOUR}`;
    expect(await ask(reader, range)).toMatchObject({
      service: 'orders',
      versions: [],
      a: { from: NOW - HOUR, to: NOW, version: undefined },
      b: { from: NOW, to: NOW + HOUR },
      total: 1,
      routes: [{ verdict: 'failing', a: { count: 40, perSecond: 40 / 3_600 }, b: { errorShare: 1 } }],
    });
    const yesterday = await ask(reader, `${range}&otherFrom=${NOW - 24 * HOUR}`);
    expect(yesterday.a).toEqual({ from: NOW - 24 * HOUR, to: NOW - 23 * HOUR, version: undefined });
    expect(yesterday.routes).toMatchObject([{ verdict: 'same' }]);
    const all = await ask(reader, `by=time&from=${NOW}&to=${NOW + HOUR}`);
    expect(all.routes.map(({ service, verdict }) => [service, verdict])).toEqual([
      ['orders', 'failing'],
      ['users', 'only-b'],
    ]);
  });

  it.each(['by=day', 'by=time&otherFrom=yesterday', 'by=time&from=2&to=1', 'by=time&otherFrom=-1'])(
    'refuses %s',
    async (query) => {
      const reader = await readerOf();
      await expect(ask(reader, query)).rejects.toMatchObject({ status: 400 });
    },
  );
});

describe('the time with which a span is compared', () => {
  const span = { from: NOW, to: NOW + HOUR };
  it.each([
    ['', NOW - HOUR],
    ['day', NOW - 24 * HOUR],
    ['week', NOW - 7 * 24 * HOUR],
    [String(NOW - 5), NOW - 5],
    ['nonsense', NOW - HOUR],
  ])('begins, where the address says %j, at %d', (against, begin) => {
    expect(otherBeginOf(against, span)).toBe(begin);
  });
});
