import {
  compareTimes,
  compareVersions,
  failsMore,
  findRegressions,
  isSlower,
} from '../../../../lib/dashboard/panels/overview/regressions.js';
import {
  type RouteAnswer,
  type RouteVersionAnswer,
} from '../../../../lib/dashboard/reader/answers/traffic.interface.js';
import { createRandom } from '../../../support/random.js';
import { createMemoryReader } from '../../reader/memory-reader.js';
import { requestOf } from '../../reader/telemetry.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = 1_800_000_000_000;
const EARLIER = { from: NOW - 2 * HOUR, to: NOW - HOUR };

const figuresOf = (count: number, p95: number, errorShare = 0) => ({ count, p95, errorShare });

const routeOf = (route: string, count: number, p95: number, errorShare = 0): RouteAnswer => ({
  service: 'orders',
  method: 'GET',
  route,
  handler: undefined,
  perSecond: 1,
  p50: p95,
  lastSeen: NOW,
  ...figuresOf(count, p95, errorShare),
});

const versionOf = (
  version: string,
  firstSeen: number,
  lastSeen: number,
  more: Partial<RouteVersionAnswer> = {},
): RouteVersionAnswer => ({
  service: 'orders',
  version,
  method: 'GET',
  route: '/a',
  p50: 1,
  firstSeen,
  lastSeen,
  ...figuresOf(500, 100),
  ...more,
});

describe('a slower route', () => {
  it('is one whose p95 is higher by half and by 20 ms', () => {
    expect(isSlower(figuresOf(1_000, 100), figuresOf(1_000, 151))).toBe(true);
    expect(isSlower(figuresOf(1_000, 100), figuresOf(1_000, 149))).toBe(false);
    expect(isSlower(figuresOf(1_000, 5), figuresOf(1_000, 24))).toBe(false);
    expect(isSlower(figuresOf(1_000, 5), figuresOf(1_000, 25))).toBe(true);
    expect(isSlower(figuresOf(1_000, 100), figuresOf(1_000, 10))).toBe(false);
  });

  it('needs 30 requests before and now, and a wider margin where there are few', () => {
    expect(isSlower(figuresOf(29, 100), figuresOf(1_000, 5_000))).toBe(false);
    expect(isSlower(figuresOf(1_000, 100), figuresOf(29, 5_000))).toBe(false);
    expect(isSlower(figuresOf(30, 100), figuresOf(30, 200))).toBe(false);
    expect(isSlower(figuresOf(30, 100), figuresOf(30, 220))).toBe(true);
  });

  it('is not found in noise: the same scattered durations, drawn a thousand times', () => {
    const random = createRandom(12);
    const p95Of = (count: number): number => {
      const durations = Array.from({ length: count }, () => -100 * Math.log(1 - random.next()));
      return durations.sort((a, b) => a - b)[Math.ceil(0.95 * count) - 1]!;
    };
    let found = 0;
    for (let round = 0; round < 1_000; round += 1) {
      const [before, now] = [30 + (round % 400), 30 + (round % 90)];
      if (isSlower(figuresOf(before, p95Of(before)), figuresOf(now, p95Of(now)))) found += 1;
    }
    expect(found).toBeLessThanOrEqual(10);
  });
});

describe('a route that fails more', () => {
  it('is one whose share of errors is higher by a percent and by more than chance', () => {
    expect(failsMore(figuresOf(5_000, 1, 0.001), figuresOf(5_000, 1, 0.02))).toBe(true);
    expect(failsMore(figuresOf(100_000, 1, 0), figuresOf(100_000, 1, 0.009))).toBe(false);
    expect(failsMore(figuresOf(30, 1, 0), figuresOf(30, 1, 0.1))).toBe(false);
    expect(failsMore(figuresOf(30, 1, 0), figuresOf(30, 1, 0.4))).toBe(true);
    expect(failsMore(figuresOf(30, 1, 0.4), figuresOf(30, 1, 0))).toBe(false);
    expect(failsMore(figuresOf(29, 1, 0), figuresOf(1_000, 1, 1))).toBe(false);
  });
});

describe('routes beside a time before', () => {
  it('are ranked: what fails more by how many fail, then what is slower by how long all wait', () => {
    const now = [
      routeOf('/rare', 40, 900),
      routeOf('/busy', 4_000, 300),
      routeOf('/failing', 100, 100, 0.5),
      routeOf('/worse', 1_000, 100, 0.5),
      routeOf('/same', 1_000, 100),
    ];
    const routes = now.map(({ route }) => routeOf(route, 1_000, 100));
    const found = compareTimes({ now, earlier: [{ ...EARLIER, routes }] });
    expect(found.map(({ kind, route }) => [kind, route])).toEqual([
      ['failing', '/worse'],
      ['failing', '/failing'],
      ['slower', '/busy'],
      ['slower', '/rare'],
    ]);
    expect(found[2]).toMatchObject({
      baseline: { kind: 'time', ...EARLIER },
      before: figuresOf(1_000, 100),
      now: figuresOf(4_000, 300),
    });
  });

  it('are compared with the first time that had enough requests, and with none where none had', () => {
    const now = [routeOf('/a', 100, 900), routeOf('/new', 100, 900)];
    const dayBefore = { from: NOW - 24 * HOUR, to: NOW - 23 * HOUR };
    const found = compareTimes({
      now,
      earlier: [
        { ...EARLIER, routes: [routeOf('/a', 10, 900)] },
        { ...dayBefore, routes: [routeOf('/a', 100, 100)] },
      ],
    });
    expect(found.map(({ route, baseline }) => [route, baseline])).toEqual([
      ['/a', { kind: 'time', ...dayBefore }],
    ]);
  });

  it('of another service or method are others', () => {
    const now = [routeOf('/a', 100, 900)];
    const routes = [
      { ...routeOf('/a', 100, 100), service: 'users' },
      { ...routeOf('/a', 100, 100), method: 'POST' },
    ];
    expect(compareTimes({ now, earlier: [{ ...EARLIER, routes }] })).toEqual([]);
  });
});

describe('the newest version', () => {
  it('is compared with the one before it, not with older ones', () => {
    const found = compareVersions(
      [
        versionOf('3', NOW - HOUR, NOW, { p95: 400 }),
        versionOf('2', NOW - 5 * HOUR, NOW - HOUR, { p95: 200 }),
        versionOf('1', NOW - 9 * HOUR, NOW - 5 * HOUR, { p95: 10 }),
      ],
      NOW - 15 * MINUTE,
    );
    expect(found).toMatchObject([
      {
        kind: 'slower',
        baseline: { kind: 'version', version: '2', now: '3', since: NOW - HOUR },
        before: { p95: 200 },
        now: { p95: 400 },
      },
    ]);
  });

  it('is not one that was rolled back: the one that answers now is not compared with it', () => {
    const versions = [
      versionOf('2', NOW - 2 * HOUR, NOW - HOUR, { p95: 900 }),
      versionOf('1', NOW - 9 * HOUR, NOW, { p95: 100 }),
    ];
    expect(compareVersions(versions, NOW - 15 * MINUTE)).toEqual([]);
  });

  it('says nothing about routes that only one version has, nor where there is no other version', () => {
    expect(compareVersions([versionOf('1', NOW - HOUR, NOW)], NOW - HOUR)).toEqual([]);
    expect(
      compareVersions(
        [versionOf('2', NOW - HOUR, NOW, { p95: 9_000 }), versionOf('1', 1, 2, { route: '/b' })],
        NOW - HOUR,
      ),
    ).toEqual([]);
  });
});

describe('findRegressions()', () => {
  const requests = (count: number, from: number, more: Parameters<typeof requestOf>[1]) =>
    Array.from({ length: count }, (_, index) => requestOf(from + index * 1_000, more));
  const range = { from: NOW - 15 * MINUTE, to: NOW };

  it('compares a quarter of an hour with the hour before it', async () => {
    const { reader, write } = createMemoryReader();
    await write({
      spans: [
        ...requests(100, NOW - 70 * MINUTE, { durationMs: 100 }),
        ...requests(100, NOW - 10 * MINUTE, { durationMs: 400 }),
        ...requests(100, NOW - 70 * MINUTE, { durationMs: 100, service: 'users', route: '/u' }),
        ...requests(100, NOW - 10 * MINUTE, { durationMs: 400, service: 'users', route: '/u' }),
      ],
    });
    expect(await findRegressions(reader, { ...range, service: 'orders' })).toMatchObject([
      {
        kind: 'slower',
        service: 'orders',
        route: '/orders/:id',
        baseline: { kind: 'time', from: NOW - 75 * MINUTE, to: NOW - 15 * MINUTE },
        before: { count: 100, p95: 100 },
        now: { count: 100, p95: 400 },
      },
    ]);
    expect(await findRegressions(reader, range)).toHaveLength(2);
  });

  it('names a route once, by the version that made it worse', async () => {
    const { reader, write } = createMemoryReader();
    await write({
      spans: [
        ...requests(100, NOW - 70 * MINUTE, { durationMs: 100, version: '1' }),
        ...requests(100, NOW - 10 * MINUTE, { durationMs: 400, version: '2' }),
      ],
    });
    expect(await findRegressions(reader, range)).toMatchObject([
      { kind: 'slower', baseline: { kind: 'version', version: '1', now: '2' } },
    ]);
  });
});
