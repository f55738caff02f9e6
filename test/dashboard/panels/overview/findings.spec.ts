import {
  type ExporterLosses,
  findFindings,
  type Finding,
  type FindingsAnswer,
  lossesOf,
  rankFindings,
} from '../../../../lib/dashboard/panels/overview/findings.js';
import { judgeJob } from '../../../../lib/dashboard/panels/overview/overdue-jobs.js';
import { describeFinding } from '../../../../lib/dashboard/panels/overview/view/describe-finding.js';
import { createMemoryReader } from '../../reader/memory-reader.js';
import { requestOf, type Telemetry } from '../../reader/telemetry.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { resourceOf, spanOf } from '../../sqlite/sample-rows.js';

const MINUTE = 60_000;

const NOW = 1_800_000_000_000;

const RANGE = { from: NOW - 15 * MINUTE, to: NOW };

const LOSSES = {
  signal: 'traces',
  endpoint: 'http://localhost:4318/v1/traces',
  failed: 10,
  dropped: 2,
  lastError: { message: 'connect ECONNREFUSED', at: NOW - MINUTE },
};

const find = async (
  telemetry: Telemetry,
  { exporters = [LOSSES].slice(1), now = NOW } = {},
): Promise<FindingsAnswer> => {
  const { reader, write } = createMemoryReader();
  await write(telemetry);
  const own = { service: 'orders', instance: 'own', exporters };
  return findFindings(reader, { range: RANGE, running: [], own, now });
};

const requests = (count: number, minutesAgo: number, more: Parameters<typeof requestOf>[1]) =>
  Array.from({ length: count }, (_, index) => requestOf(NOW - minutesAgo * MINUTE + index * 1_000, more));

const failed = {
  status: 'error',
  attributes: { 'exception.fingerprint': 'f1' },
  events: [
    {
      name: 'exception',
      time: NOW - MINUTE,
      attributes: {
        'exception.type': 'StockError',
        'exception.message': 'nothing left',
      },
    },
  ],
} as const;

/** Every minute until eight minutes ago, of a service that still reports. */
const lateJob = [
  ...Array.from({ length: 10 }, (_, index) =>
    requestOf(NOW - (8 + index) * MINUTE, {
      service: 'worker',
      name: 'clean up',
      route: 'clean up',
      method: 'RUN',
    }),
  ),
  requestOf(NOW - MINUTE, { service: 'worker', route: '/health' }),
];

const slower = [
  ...requests(100, 70, { durationMs: 100, service: 'users', route: '/users' }),
  ...requests(100, 10, { durationMs: 400, service: 'users', route: '/users' }),
];

describe('the findings', () => {
  it('are none where nothing stands out', async () => {
    const spans = [...requests(100, 70, {}), ...requests(100, 10, {})];
    expect(await find({ spans })).toEqual({ findings: [], more: 0 });
    expect(await find({})).toEqual({ findings: [], more: 0 });
  });

  describe('of a service of which only a part was recorded', () => {
    const counted = (count: number) => ({
      service: 'orders',
      name: 'http.server.request.duration',
      type: 'histogram' as const,
      unit: 's',
      attributes: { 'http.request.method': 'GET', 'http.route': '/orders/:id' },
      time: NOW - 2 * MINUTE,
      value: 1,
      boundaries: [1],
      counts: [count, 0],
    });
    const sampled = (weight?: number) => requests(100, 3, weight === undefined ? {} : { weight });

    it('say that figures are of the sample, where spans do not say which part', async () => {
      const { findings } = await find({ spans: sampled(), points: [counted(400)] });
      expect(findings).toEqual([{ kind: 'sample', service: 'orders', recorded: 100, requests: 400 }]);
      expect(describeFinding(findings[0]!).text).toContain('rates and counts are of the sample');
    });

    it('say nothing where they do, where all were recorded, and of routes that never are', async () => {
      const none = { findings: [], more: 0 };
      expect(await find({ spans: sampled(4), points: [counted(400)] })).toEqual(none);
      expect(await find({ spans: sampled(), points: [counted(110)] })).toEqual(none);
      const never = {
        ...counted(4_000),
        attributes: { 'http.request.method': 'GET', 'http.route': '/internal' },
      };
      expect(await find({ spans: sampled(), points: [counted(100), never] })).toEqual(none);
    });
  });

  it('come the worst first: new errors, what is slower, late jobs, what was lost', async () => {
    const spans = [...lateJob, ...slower, ...requests(3, 1, failed)];
    const { findings, more } = await find({ spans }, { exporters: [LOSSES] });
    expect(findings).toMatchObject([
      {
        kind: 'new-error',
        service: 'orders',
        type: 'StockError',
        message: 'nothing left',
        fingerprint: 'f1',
        count: 3,
      },
      { kind: 'slower', service: 'users', route: '/users' },
      { kind: 'overdue', service: 'worker', route: 'clean up', everyMs: MINUTE, lastRun: NOW - 8 * MINUTE },
      {
        kind: 'lost',
        service: 'orders',
        items: 'spans',
        count: 12,
        endpoint: LOSSES.endpoint,
        reason: 'connect ECONNREFUSED',
      },
    ]);
    expect(more).toBe(0);
  });

  it('of a range that is over do not tell which jobs are late', async () => {
    expect((await find({ spans: lateJob }, { now: NOW + 5 * MINUTE })).findings).toEqual([]);
  });

  it('name what the embedded store lost in the range', async () => {
    const counter = { service: 'orders', name: 'nestjs_telemetry.store.dropped', type: 'counter' } as const;
    const point = { ...counter, unit: '{row}', attributes: {} };
    const { findings } = await find({
      points: [
        { ...point, time: NOW - 5 * MINUTE, value: 30 },
        { ...point, time: NOW - 2 * MINUTE, value: 12 },
        { ...point, time: NOW - 60 * MINUTE, value: 1_000 },
      ],
    });
    expect(findings).toEqual([
      { kind: 'lost', items: 'rows', count: 42, endpoint: undefined, reason: undefined },
    ]);
  });

  it('leave out an exporter that works again, and one that lost nothing', () => {
    const lastError = { message: 'refused', at: RANGE.from - 1 };
    const of = (more: Partial<ExporterLosses>) =>
      lossesOf([{ exporters: [{ ...LOSSES, ...more }] }], RANGE.from);
    expect(of({ lastError })).toEqual([]);
    expect(of({ failed: 0, dropped: 0 })).toEqual([]);
    expect(of({ lostInRange: 0 })).toEqual([]);
    expect(of({ lastError: undefined })).toHaveLength(1);
    expect(of({ lostInRange: 3 })).toMatchObject([{ count: 3 }]);
  });

  it('name what other processes have lost on the way, by service, kind and endpoint', async () => {
    const exported = (instance: string, value: number, more: Record<string, string> = {}) => ({
      service: 'orders',
      instance,
      name: 'otel.sdk.exporter.span.exported',
      type: 'counter' as const,
      unit: '{span}',
      attributes: { 'server.address': 'collector', 'server.port': '4318', ...more },
      time: NOW - 2 * MINUTE,
      value,
    });
    const rejected = { 'error.type': 'rejected' };
    const { findings } = await find({
      points: [
        exported('one', 1_000),
        exported('one', 7, rejected),
        exported('two', 5, rejected),
        { ...exported('one', 9, rejected), service: 'billing' },
        // What this process knows itself is newer.
        exported('own', 4, rejected),
      ],
    });
    const lost = { kind: 'lost', items: 'spans', endpoint: 'collector:4318', reason: 'rejected' };
    expect(findings).toEqual([
      { ...lost, service: 'orders', processes: 2, count: 12 },
      { ...lost, service: 'billing', processes: 1, count: 9 },
    ]);
    expect(describeFinding(findings[0]!)).toMatchObject({
      subject: '12 spans',
      text: 'lost by 2 processes of orders on the way to collector:4318: rejected',
    });
  });

  it('are those of chosen processes', async () => {
    const version = { version: '2.0.0' };
    const { reader, write } = createMemoryReader();
    const lost = { 'error.type': 'rejected', 'server.address': 'collector' };
    const point = {
      service: 'orders',
      instance: 'one',
      name: 'otel.sdk.exporter.span.exported',
      type: 'counter' as const,
      unit: '{span}',
      attributes: lost,
      time: NOW - 2 * MINUTE,
      value: 7,
    };
    await write({ spans: [...slower, ...requests(3, 1, { ...failed, ...version })], points: [point] });
    const kindsOf = async (choice: object) => {
      const own = { service: 'gateway', instance: 'own', exporters: [LOSSES] };
      const asked = { range: RANGE, choice, running: [], own, now: NOW };
      const { findings } = await findFindings(reader, asked);
      return findings.map((each) => ('service' in each ? `${each.kind} ${each.service ?? ''}` : each.kind));
    };
    expect(await kindsOf({})).toEqual(['new-error orders', 'slower users', 'lost gateway', 'lost orders']);
    expect(await kindsOf(version)).toEqual(['new-error orders']);
    expect(await kindsOf({ version: '1.0.0' })).toEqual(['slower users', 'lost orders']);
    expect(await kindsOf({ process: 'one' })).toEqual(['lost orders']);
  });

  it('are five of each kind at most, with the number of the others', () => {
    const errors = Array.from({ length: 8 }, (_, index) => ({
      kind: 'new-error' as const,
      service: 'orders',
      fingerprint: String(index),
      type: 'Error',
      message: '',
      count: 1,
      firstSeen: NOW,
      firstVersion: '',
      route: undefined,
    }));
    const { findings, more } = rankFindings(errors);
    expect(findings.map((finding) => 'fingerprint' in finding && finding.fingerprint)).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
    ]);
    expect(more).toBe(3);
  });
});

describe('a finding on the page', () => {
  const route = { service: 'orders', method: 'GET', route: '/orders/:id' };
  const before = { count: 480, p95: 310, errorShare: 0.002 };
  const now = { count: 1_200, p95: 1_240, errorShare: 0.12 };

  it('is a sentence with figures, and leads to its route and to the requests that took longer', () => {
    const baseline = { kind: 'version', version: '1.9.0', now: '2.0.0', since: NOW } as const;
    expect(describeFinding({ kind: 'slower', ...route, baseline, before, now })).toEqual({
      label: 'Slower',
      tone: 'warn',
      subject: 'GET /orders/:id',
      text: 'of orders takes 1.24 s since version 2.0.0, 310 ms in 1.9.0 (p95 of 1,200 requests, 480 before)',
      path: ['route'],
      query: route,
      more: [
        { text: 'Slow traces', path: ['traces'], query: { ...route, min: '310ms' } },
        {
          text: 'Compare the versions',
          path: ['versions'],
          query: { service: 'orders', a: '1.9.0', b: '2.0.0' },
        },
      ],
    });
    const unmatched = { kind: 'slower', ...route, route: '', baseline, before, now } as const;
    expect(describeFinding(unmatched).path).toEqual(['traces']);
  });

  it('names the time with which it compares, and leads to the requests that failed', () => {
    const baseline = { kind: 'time', from: NOW, to: NOW + 60 * MINUTE } as const;
    const finding = { kind: 'failing', ...route, baseline, before, now } as const;
    const described = describeFinding(finding, NOW + 2 * 60 * MINUTE);
    expect(described.text).toMatch(
      /^of orders fails for 12 % of requests, 0\.2 % from \d\d:\d\d to \d\d:\d\d \(1,200 requests, 480 before\)$/,
    );
    expect(described.more).toEqual([
      { text: 'Failed traces', path: ['traces'], query: { ...route, status: 'error' } },
    ]);
    expect(describeFinding(finding, NOW + 24 * 60 * MINUTE).text).toMatch(
      / to \d\d:\d\d on \d{4}-\d\d-\d\d \(/,
    );
  });

  it.each<[Finding, RegExp, readonly string[]]>([
    [
      {
        kind: 'new-error',
        service: 'orders',
        fingerprint: 'f1',
        type: 'StockError',
        message: 'x'.repeat(1_000),
        count: 1,
        firstSeen: NOW,
        firstVersion: '2.0.0',
        route: 'GET /a',
      },
      /^x{160} · 1 time in GET \/a of orders, first at \d\d:\d\d:\d\d, since version 2\.0\.0$/,
      ['errors', 'orders', 'f1'],
    ],
    [
      { kind: 'overdue', service: 'worker', route: 'clean up', everyMs: 5 * MINUTE, lastRun: NOW },
      /^of worker last began at \d\d:\d\d:\d\d; it usually runs every 5 min$/,
      ['traces'],
    ],
    [
      { kind: 'lost', items: 'rows', count: 1_234, endpoint: undefined, reason: undefined },
      /^lost by the embedded store$/,
      ['health'],
    ],
  ])('leads to its place: %#', (finding, text, path) => {
    const described = describeFinding(finding);
    expect(described.text).toMatch(text);
    expect(described.path).toEqual(path);
  });
});

describe('GET findings', () => {
  let served: ServedDashboard | undefined;
  afterEach(async () => {
    await served?.close();
    served = undefined;
    await cleanUp();
  });

  it('answers from the embedded store what a new version made worse', async () => {
    const store = openTestStore();
    const to = Date.now();
    const answered = (version: string, minutesAgo: number, durationMs: number): void => {
      const resource = resourceOf('orders', { version, instance: version });
      for (let index = 0; index < 60; index += 1) {
        const start = (to - minutesAgo * MINUTE + index * 1_000) * 1_000;
        store.addSpan(spanOf({ resource, start, duration: durationMs * 1_000 }));
      }
    };
    answered('1.0.0', 10, 50);
    answered('2.0.0', 5, 500);
    await store.flush();
    served = await serveDashboard(store);
    const { status, body } = await served.api(`findings?from=${to - 15 * MINUTE}&to=${to}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      findings: [
        {
          kind: 'slower',
          service: 'orders',
          method: 'GET',
          route: '/orders/:id',
          baseline: { kind: 'version', version: '1.0.0', now: '2.0.0' },
          before: { count: 60 },
          now: { count: 60 },
        },
      ],
      more: 0,
    });
  });

  it('answers 400 for a range that ends before it begins', async () => {
    served = await serveDashboard(openTestStore());
    expect(await served.api('findings?from=2&to=1')).toMatchObject({ status: 400 });
  });
});

/** Begun every five minutes, the last one so many minutes ago. */
const runsOf = (minutesAgo: number, { count = 8, every = 5, durationMs = 1_000 } = {}) =>
  Array.from({ length: count }, (_, index) => ({
    start: NOW - (minutesAgo + index * every) * MINUTE,
    durationMs,
  }));

const job = (runs: ReturnType<typeof runsOf>) => ({ service: 'worker', route: 'clean up', runs });

describe('a job', () => {
  it('is overdue when twice its usual interval has passed', () => {
    expect(judgeJob(job(runsOf(11)), NOW, NOW)).toEqual({
      kind: 'overdue',
      service: 'worker',
      route: 'clean up',
      everyMs: 5 * MINUTE,
      lastRun: NOW - 11 * MINUTE,
    });
    expect(judgeJob(job(runsOf(9)), NOW, NOW)).toBeUndefined();
  });

  it('has the time that its longest run took', () => {
    expect(judgeJob(job(runsOf(11, { durationMs: 2 * MINUTE })), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job(runsOf(13, { durationMs: 2 * MINUTE })), NOW, NOW)).toBeDefined();
  });

  it('is judged by the median, so that one run by hand or one that was missed changes nothing', () => {
    const byHand = { start: NOW - 61.5 * MINUTE, durationMs: 1_000 };
    expect(judgeJob(job([...runsOf(11, { count: 11 }), byHand]), NOW, NOW)).toMatchObject({
      everyMs: 5 * MINUTE,
    });
  });

  it('that never ran at regular times, or less than six times, is none', () => {
    const irregular = [11, 12, 25, 26, 70, 71, 120, 121].map((minutes) => ({
      start: NOW - minutes * MINUTE,
      durationMs: 1,
    }));
    expect(judgeJob(job(irregular), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job(runsOf(60, { count: 5 })), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job([]), NOW, NOW)).toBeUndefined();
    expect(judgeJob(job(runsOf(60, { every: 0 })), NOW, NOW)).toBeUndefined();
  });

  it('that runs now is not overdue', () => {
    const running = [
      { traceId: 'a', spanId: 'b', name: 'clean up', service: 'worker', start: NOW, elapsedMs: 5 },
    ];
    expect(judgeJob(job(runsOf(60)), NOW, NOW, running)).toBeUndefined();
    expect(judgeJob(job(runsOf(60)), NOW, NOW, [{ ...running[0]!, service: 'other' }])).toBeDefined();
  });

  it('of a service that was stopped is not overdue', () => {
    expect(judgeJob(job(runsOf(60)), NOW, NOW - 59 * MINUTE)).toBeUndefined();
  });
});
