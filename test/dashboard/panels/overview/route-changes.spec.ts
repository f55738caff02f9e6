import { QueryParameters } from '../../../../lib/dashboard/api/question.js';
import { askTrends } from '../../../../lib/dashboard/panels/overview/query.js';
import { describeTrends, findChange } from '../../../../lib/dashboard/panels/overview/route-changes.js';
import {
  type RouteAnswer,
  type RouteFiguresAnswer,
  type RouteTrendAnswer,
} from '../../../../lib/dashboard/reader/answers/traffic.interface.js';
import { takeAllSteps } from '../../../../lib/dashboard/steps.js';
import { createMemoryReader } from '../../reader/memory-reader.js';
import { requestOf } from '../../reader/telemetry.js';

const MINUTE = 60_000;

const figures = (count: number, p50: number, p95: number, errorShare = 0): RouteFiguresAnswer => ({
  count,
  p50,
  p95,
  errorShare,
});
const QUIET = figures(1_000, 90, 100);
const steady = { all: QUIET, recent: QUIET, earlier: QUIET };

describe('the change of a route', () => {
  it('is none where it is as before, and not known where too few requests were sent', () => {
    expect(findChange(steady, QUIET)).toBeUndefined();
    expect(findChange(steady, undefined)).toBeUndefined();
    const few = figures(29, 90, 5_000);
    expect(findChange({ all: few, recent: few, earlier: few }, QUIET)).toBeNull();
    expect(findChange({ all: few, recent: few, earlier: few }, undefined)).toBeNull();
  });

  it('is that of the last part of the range, where all of the range hides it', () => {
    const recent = figures(200, 90, 1_600);
    expect(findChange({ all: QUIET, recent, earlier: QUIET }, QUIET)).toEqual({
      kind: 'slower',
      measure: 'p95',
      before: 100,
      now: 1_600,
      compared: 'recent',
    });
  });

  it('is that of the p50, where the p95 was as high before: half of the requests became slow', () => {
    const earlier = figures(1_000, 94, 1_530);
    const recent = figures(200, 1_500, 1_530);
    expect(findChange({ all: earlier, recent, earlier }, earlier)).toMatchObject({
      kind: 'slower',
      measure: 'p50',
      before: 94,
      now: 1_500,
    });
  });

  it('is against the time before, where the range is the same throughout', () => {
    const slow = figures(500, 90, 400);
    expect(findChange({ all: slow, recent: slow, earlier: slow }, QUIET)).toMatchObject({
      kind: 'slower',
      before: 100,
      now: 400,
      compared: 'range',
    });
  });

  it('is that it fails, even where it is slower too, and that it is slower before that it is faster', () => {
    const failing = figures(500, 90, 400, 0.2);
    expect(findChange({ all: failing, recent: failing, earlier: QUIET }, QUIET)).toMatchObject({
      kind: 'failing',
      measure: 'errors',
      before: 0,
      now: 0.2,
    });
    const faster = figures(500, 10, 20);
    expect(findChange({ all: faster, recent: faster, earlier: faster }, QUIET)).toMatchObject({
      kind: 'faster',
      before: 100,
      now: 20,
    });
    expect(findChange({ all: QUIET, recent: figures(500, 10, 400), earlier: QUIET }, QUIET)).toMatchObject({
      kind: 'slower',
      measure: 'p95',
    });
  });

  it('is found by service, method and route, and its line has three digits', () => {
    const trend: RouteTrendAnswer = {
      service: 'orders',
      method: 'GET',
      route: '/a',
      p95: [123.456, null, 0.98765],
      ...steady,
    };
    const before = (service: string, p95: number): RouteAnswer => ({
      ...trend,
      service,
      handler: undefined,
      perSecond: 1,
      lastSeen: 0,
      ...figures(1_000, 1, p95),
    });
    const [described] = describeTrends([trend], [before('users', 1), before('orders', 20)]);
    expect(described).toEqual({
      service: 'orders',
      method: 'GET',
      route: '/a',
      p95: [123, null, 0.988],
      change: { kind: 'slower', measure: 'p95', before: 20, now: 100, compared: 'range' },
    });
  });
});

describe('the trends of the page', () => {
  it('compare the last sixth of the range with the rest', async () => {
    const { reader, write } = createMemoryReader();
    const to = 1_800_000_000_000;
    const from = to - 12 * MINUTE;
    const requests = (minute: number, durationMs: number) =>
      Array.from({ length: 40 }, (_, index) => requestOf(from + minute * MINUTE + index, { durationMs }));
    await write({ spans: [...requests(1, 90), ...requests(5, 90), ...requests(11, 1_440)] });
    const answer = await askTrends({
      reader,
      query: new QueryParameters(new URLSearchParams({ from: String(from), to: String(to), buckets: '12' })),
      params: {},
      running: () => [],
      work: (steps) => Promise.resolve(takeAllSteps(steps)),
      signal: new AbortController().signal,
    });
    expect(answer).toMatchObject({
      recentFrom: to - 2 * MINUTE,
      before: { from: from - 60 * MINUTE, to: from },
      services: [{ service: 'orders' }],
      routes: [
        { route: '/orders/:id', change: { kind: 'slower', before: 90, now: 1_440, compared: 'recent' } },
      ],
    });
  });

  it('refuse numbers of buckets that are none', async () => {
    const { reader } = createMemoryReader();
    const question = {
      reader,
      query: new QueryParameters(new URLSearchParams({ buckets: '1000' })),
      params: {},
      running: () => [],
      work: <T>() => Promise.reject<T>(new Error('unused')),
      signal: new AbortController().signal,
    };
    await expect(askTrends(question)).rejects.toThrow('buckets must be a number from 1 to 60');
  });
});
