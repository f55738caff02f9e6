import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { createRandom } from '../../support/random.js';
import { statusFrom } from '../../support/status-from.js';
import { longestTurn, serveDashboard, type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';
import { encodeRequest } from './encode-request.js';
import { logRequest, metricRequest, traceRequest } from './otlp-requests.js';

let store: TelemetryStore;
let dashboard: ServedDashboard;

beforeEach(async () => {
  store = openTestStore();
  dashboard = await serveDashboard(store);
});

afterEach(async () => {
  await dashboard.close();
  await cleanUp();
});

const now = (aheadMs = 0): string => `${Date.now() + aheadMs}000000`;
const TRACE_ID = 'ab'.repeat(16);
const metricsOf = (metric: object) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', ...metric }] }] }],
});
const exponentialOf = (point: object) =>
  metricsOf({
    exponentialHistogram: { aggregationTemporality: 1, dataPoints: [{ timeUnixNano: now(), ...point }] },
  });
const histogramOf = (point: object) =>
  metricsOf({ histogram: { aggregationTemporality: 1, dataPoints: [{ timeUnixNano: now(), ...point }] } });
const spansOf = (...spans: object[]) => ({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: spans.map((span) => ({
            traceId: TRACE_ID,
            spanId: 'cd'.repeat(8),
            name: 'work',
            kind: 2,
            startTimeUnixNano: now(),
            endTimeUnixNano: now(1),
            ...span,
          })),
        },
      ],
    },
  ],
});
const nested = (depth: number): object => {
  let value: object = { stringValue: 'deep' };
  for (let level = 0; level < depth; level += 1) value = { arrayValue: { values: [value] } };
  return value;
};
const attribute = (key: string, value: object) => ({ key, value });

/** Every question of the API is answered, and none with 500. */
async function expectAnswers(): Promise<void> {
  await store.flush();
  const paths = ['services', 'overview', 'routes', 'traces', 'logs', 'metrics', 'metrics/1', 'health'];
  for (const path of [...paths, `traces/${TRACE_ID}`, `traces/${TRACE_ID}/otlp`, 'traces?attribute=a:b']) {
    const { status } = await dashboard.api(path);
    expect([path, status === 200 || status === 404]).toEqual([path, true]);
  }
}

interface Partial {
  readonly partialSuccess?: { readonly errorMessage: string; readonly [rejected: string]: string };
}

describe('an exponential histogram', () => {
  const bucketOf = (more: object) => ({
    count: '1',
    sum: 1,
    scale: 0,
    positive: { offset: 0, bucketCounts: ['1'] },
    ...more,
  });

  it.each([
    ['of scale -20', { scale: -20 }, 'scale'],
    ['of scale 21', { scale: 21 }, 'scale'],
    ['of a scale that is a text', { scale: 'fine' }, 'scale'],
    ['of scale 1e400', { scale: '1e400' }, 'scale'],
    ['with an offset beyond 32 bits', { positive: { offset: 2 ** 40, bucketCounts: ['1'] } }, 'offset'],
    ['with a negative count', { count: '-1' }, 'counts'],
    ['with a count of a bucket that is NaN', { positive: { bucketCounts: ['NaN'] } }, 'counts'],
    ['with a count of a bucket that is Infinity', { positive: { bucketCounts: ['Infinity'] } }, 'counts'],
    ['with a count of a bucket that is half', { positive: { bucketCounts: [0.5] } }, 'counts'],
    ['with counts that disagree', { count: '7' }, 'sum of the counts'],
    ['with a sum of NaN', { sum: 'NaN' }, 'sum'],
    ['with a sum of Infinity', { sum: 'Infinity' }, 'sum'],
    ['of 2^64-1', { timeUnixNano: '18446744073709551615' }, 'timeUnixNano'],
  ])('%s is rejected with the reason', async (_what, more, reason) => {
    const answer = await dashboard.otlp('metrics', exponentialOf(bucketOf(more)));
    const { partialSuccess } = (await answer.json()) as Partial;
    expect([answer.status, partialSuccess?.rejectedDataPoints]).toEqual([200, '1']);
    expect(partialSuccess?.errorMessage).toContain(reason);
    await expectAnswers();
  });

  it.each([
    ['of scale -10', { scale: -10 }],
    ['of scale 20', { scale: 20 }],
    ['with the largest offset', { positive: { offset: 2 ** 31 - 1, bucketCounts: ['1'] } }],
    ['with the smallest offset', { positive: { offset: -(2 ** 31), bucketCounts: ['1'] } }],
    [
      'of scale -10 with the largest offset',
      { scale: -10, positive: { offset: 2 ** 31 - 1, bucketCounts: ['1'] } },
    ],
    ['with negative buckets', { count: '2', negative: { offset: 1, bucketCounts: [1] } }],
  ])('%s is stored', async (_what, more) => {
    const answer = await dashboard.otlp('metrics', exponentialOf(bucketOf(more)));
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    await store.flush();
    expect(store.read(readStore).points).toBe(1);
    await expectAnswers();
  });
});

describe('a histogram', () => {
  it.each([
    ['unsorted bounds', { explicitBounds: [2, 1], bucketCounts: [1, 0, 0] }],
    ['a bound of NaN', { explicitBounds: ['NaN'], bucketCounts: [1, 0] }],
    ['a bound of Infinity', { explicitBounds: ['Infinity'], bucketCounts: [1, 0] }],
    ['fewer counts than bounds', { explicitBounds: [1, 2], bucketCounts: [1] }],
    ['negative counts', { explicitBounds: [1], bucketCounts: [-1, 2] }],
    [
      'counts beyond 2^53',
      { count: '9007199254740993', explicitBounds: [1], bucketCounts: ['9007199254740993', 0] },
    ],
    ['counts that disagree', { count: 3, explicitBounds: [1], bucketCounts: [1, 1] }],
    ['too many buckets', { explicitBounds: Array.from({ length: 5_000 }, (_, bound) => bound) }],
  ])('with %s is rejected', async (_what, more) => {
    const answer = await dashboard.otlp('metrics', histogramOf({ count: 1, sum: 1, ...more }));
    const { partialSuccess } = (await answer.json()) as Partial;
    expect([answer.status, partialSuccess?.rejectedDataPoints]).toEqual([200, '1']);
    await expectAnswers();
  });

  it.each([
    ['a value of NaN', { gauge: { dataPoints: [{ asDouble: 'NaN' }] } }],
    ['a value of Infinity', { sum: { isMonotonic: true, dataPoints: [{ asDouble: '-Infinity' }] } }],
    ['no value', { gauge: { dataPoints: [{}] } }],
    ['a summary', { summary: { dataPoints: [{}] } }],
  ])('or another point with %s is rejected', async (_what, metric) => {
    const answer = await dashboard.otlp('metrics', metricsOf(metric));
    expect(((await answer.json()) as Partial).partialSuccess?.rejectedDataPoints).toBe('1');
    await expectAnswers();
  });

  it('without a recorded value is skipped', async () => {
    const answer = await dashboard.otlp('metrics', metricsOf({ gauge: { dataPoints: [{ flags: 1 }] } }));
    expect(await answer.json()).toEqual({});
  });
});

describe('a span', () => {
  it.each([
    [
      'a start of 2^64-1',
      { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '18446744073709551615' },
    ],
    ['an end of 2^64-1', { endTimeUnixNano: '18446744073709551615' }],
    ['a start of 0', { startTimeUnixNano: '0' }],
    ['a start of 1e400', { startTimeUnixNano: 1e308 }],
    ['a negative start', { startTimeUnixNano: '-1' }],
    ['a start in two days', { startTimeUnixNano: now(48 * 3_600_000), endTimeUnixNano: now(48 * 3_600_000) }],
    ['an id that is too long', { traceId: 'a'.repeat(34) }],
  ])('with %s is rejected, and the others are stored', async (_what, more) => {
    const answer = await dashboard.otlp('traces', spansOf(more, { spanId: '12'.repeat(8) }));
    const { partialSuccess } = (await answer.json()) as Partial;
    expect([answer.status, partialSuccess?.rejectedSpans]).toEqual([200, '1']);
    await expectAnswers();
    expect(await dashboard.api('traces')).toMatchObject({ body: { items: [{ spanCount: 1 }] } });
  });

  it.each<[string, object, boolean]>([
    ['an end before its start', { endTimeUnixNano: '1' }, false],
    ['values nested 100 deep', { attributes: [attribute('a', nested(100))] }, true],
    [
      '20,000 attributes',
      { attributes: Array.from({ length: 20_000 }, (_, n) => attribute(`k${n}`, { intValue: n })) },
      true,
    ],
    [
      '5,000 events',
      { events: Array.from({ length: 5_000 }, () => ({ name: 'e', timeUnixNano: '-1' })) },
      true,
    ],
    ['a text of a megabyte', { attributes: [attribute('a', { stringValue: 'x'.repeat(1_048_576) })] }, true],
    [
      'NUL and lone surrogates',
      { name: 'a\u0000b\ud800', attributes: [attribute('\u0000\udfff', { stringValue: '\ud800' })] },
      false,
    ],
    [
      'keys of prototypes',
      { attributes: [attribute('__proto__', { kvlistValue: { values: [attribute('constructor', {})] } })] },
      false,
    ],
    [
      'integers beyond 2^53',
      {
        attributes: [attribute('a', { intValue: '9'.repeat(30) }), attribute('b', { doubleValue: '1e400' })],
      },
      false,
    ],
    ['numbers in other writings', { kind: '0x2', attributes: [attribute('a', { intValue: ' 7 ' })] }, false],
  ])('with %s is stored, and cut where it is too large', async (_what, more, isCut) => {
    const answer = await dashboard.otlp('traces', spansOf(more));
    const { partialSuccess } = (await answer.json()) as Partial;
    expect(answer.status).toBe(200);
    if (isCut)
      expect(partialSuccess).toMatchObject({
        rejectedSpans: '0',
        errorMessage: expect.stringContaining('cut') as unknown,
      });
    else expect(partialSuccess).toBeUndefined();
    await expectAnswers();
    expect(await dashboard.api('traces')).toMatchObject({ body: { items: [{ spanCount: 1 }] } });
  });
});

describe('a log record', () => {
  it.each([
    ['a time of 2^64-1', { timeUnixNano: '18446744073709551615' }],
    ['a time of 0', { timeUnixNano: '0', observedTimeUnixNano: '0' }],
    ['a severity of 1e400', { severityNumber: '1e400' }],
    ['a severity of NaN', { severityNumber: 'NaN' }],
    ['a body nested 500 deep', { body: nested(500) }],
    ['NUL in its body', { body: { stringValue: 'a\u0000b' } }],
  ])('with %s is stored with what is left of it', async (_what, record) => {
    const body = {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' }, ...record }] }] }],
    };
    expect((await dashboard.otlp('logs', body)).status).toBe(200);
    await expectAnswers();
    const logs = (await dashboard.api('logs')).body as { items: { time: number }[] };
    expect(logs.items).toHaveLength(1);
    expect(Math.abs((logs.items[0]?.time ?? 0) - Date.now())).toBeLessThan(60_000);
  });
});

/**
 * How long one turn of the event loop may take, in milliseconds of processor time where Node can tell (from
 * 23.9 on), else of the clock. The client, compilation and garbage collection are part of it: 8 to 120 on a
 * quiet machine, more in a worker with a large heap. What blocks takes seconds.
 */
const LONGEST_HOLD_MS = 'threadCpuUsage' in process ? 500 : 2_000;
/** Other processes can slow one attempt down; what blocks does so in each. */
const ATTEMPTS = 3;

describe('a request that is too much', () => {
  const PROTOBUF = { 'content-type': 'application/x-protobuf' };
  const GZIP = { 'content-encoding': 'gzip' };
  const MEGABYTES = 1_024 * 1_024;
  const varint = (value: number): number[] => {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
    return [...bytes, rest];
  };
  const field = (tag: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([tag * 8 + 2, ...varint(content.length)]), content]);

  it.each<[string, () => Buffer, Record<string, string>, number]>([
    // The spans of one scope, each without a field.
    [
      '8 million empty spans',
      () => field(1, field(2, Buffer.alloc(15.9 * MEGABYTES, Buffer.from([0x12, 0])))),
      PROTOBUF,
      413,
    ],
    ['8 million empty resources', () => Buffer.alloc(16 * MEGABYTES, Buffer.from([0x0a, 0])), PROTOBUF, 413],
    ['8 million unknown fields', () => Buffer.alloc(16 * MEGABYTES, Buffer.from([0x78, 0])), PROTOBUF, 413],
    [
      'one span of 2 million attributes',
      () =>
        field(
          1,
          field(
            2,
            field(2, Buffer.alloc(15.9 * MEGABYTES, Buffer.from([0x4a, 6, 0x0a, 0, 0x12, 2, 0x0a, 0]))),
          ),
        ),
      PROTOBUF,
      413,
    ],
    [
      '5 million empty objects',
      () => Buffer.from(`{"resourceSpans":[${'{},'.repeat(5_000_000)}{}]}`),
      {},
      413,
    ],
    ['8 million open lists', () => Buffer.alloc(16 * MEGABYTES, '['), {}, 400],
    ['a text without end', () => Buffer.alloc(16 * MEGABYTES, '"\\'), {}, 400],
  ])('is refused without blocking others: %s', async (_what, makeBody, headers, status) => {
    const body = gzipSync(makeBody());
    let hold = Infinity;
    for (let attempt = 1; attempt <= ATTEMPTS && hold >= LONGEST_HOLD_MS; attempt += 1) {
      let answer: Response | undefined;
      const longest = await longestTurn(async () => {
        answer = await dashboard.otlp('traces', body, { ...headers, ...GZIP });
      });
      expect(answer?.status).toBe(status);
      hold = Math.min(hold, longest);
    }
    expect(hold).toBeLessThan(LONGEST_HOLD_MS);
    expect((await dashboard.otlp('traces', spansOf({}))).status).toBe(200);
    await expectAnswers();
  });

  it('is answered with a Status in the form of the request', async () => {
    const tooMany = Buffer.alloc(4 * MEGABYTES, Buffer.from([0x0a, 0]));
    const answer = await dashboard.otlp('traces', gzipSync(tooMany), { ...PROTOBUF, ...GZIP });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([413, 'application/x-protobuf']);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0x08, 8, 0x12]);
    expect(bytes.toString('latin1')).toContain('values');
    const malformed = await dashboard.otlp('logs', Buffer.from('{"resourceLogs":['));
    expect([malformed.status, await malformed.json()]).toEqual([
      400,
      { code: 3, message: expect.stringContaining('no JSON') as unknown },
    ]);
  });

  it('is answered 413 in the middle of a body that never ends', async () => {
    const socket = connect(dashboard.port, '127.0.0.1');
    socket.write(
      'POST /telemetry/otlp/v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const piece = Buffer.alloc(1_048_576, ' ');
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    // The connection ends while the body is still being sent.
    socket.on('error', () => undefined);
    const write = (): void => {
      if (answer === '' && !socket.destroyed)
        socket.write(Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]), (error) => {
          if (!error) write();
        });
    };
    write();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toContain(' 413 ');
  });

  it('is answered 503 when 64 others are being read', async () => {
    const head = `POST /telemetry/otlp/v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{`;
    const sockets = Array.from({ length: 64 }, () => connect(dashboard.port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined).write(head);
    let answer: Response;
    do answer = await dashboard.otlp('logs', {});
    while (answer.status === 200);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ code: 14 });
    for (const socket of sockets) socket.write('}');
    const statuses = await Promise.all(sockets.map(statusFrom));
    expect(new Set(statuses)).toEqual(new Set([200]));
    for (const socket of sockets) socket.destroy();
    expect((await dashboard.otlp('logs', {})).status).toBe(200);
  });

  it('is taken in part where the store has no room, and says how many rows are lost', async () => {
    const requests = Array.from({ length: 8 }, () =>
      dashboard.otlp(
        'traces',
        spansOf(...Array.from({ length: 9_000 }, (_, n) => ({ traceId: String(n).padStart(32, 'a') }))),
      ),
    );
    let rejected = 0;
    for (const answer of await Promise.all(requests))
      rejected += Number(((await answer.json()) as Partial).partialSuccess?.rejectedSpans ?? 0);
    await store.flush();
    expect(store.dropped).toBe(rejected);
    expect(store.read(readStore).spans + rejected).toBe(72_000);
  });
});

describe('a request with random changes', () => {
  it('is taken or refused, and every question is answered after it', async () => {
    const random = createRandom(10);
    const wild = [
      0,
      -1,
      0.5,
      2 ** 53,
      1e308,
      '18446744073709551615',
      '-9223372036854775808',
      'NaN',
      'Infinity',
      '1e400',
      '',
      ' ',
      null,
      true,
      [],
      {},
      [[]],
      '\u0000',
      '\ud800',
      '__proto__',
      'x'.repeat(70_000),
    ];
    const mutate = (value: unknown, chance: number): unknown => {
      if (random.chance(chance)) return random.pick(wild);
      if (Array.isArray(value)) return value.map((each) => mutate(each, chance));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mutate(each, chance)]));
    };
    const bytes = (hex: string) => Buffer.from(hex, 'hex');
    const forms = [
      ['traces', traceRequest(), encodeRequest('traces', traceRequest(bytes))],
      ['metrics', metricRequest(3), encodeRequest('metrics', metricRequest(3, bytes))],
      [
        'metrics',
        exponentialOf({
          count: 3,
          sum: 1,
          scale: 3,
          zeroCount: 1,
          positive: { offset: -4, bucketCounts: [1, 1] },
        }),
        undefined,
      ],
      ['logs', logRequest(), encodeRequest('logs', logRequest(bytes))],
    ] as const;
    const statuses = new Map<number, number>();
    for (let round = 0; round < 400; round += 1) {
      const [signal, json, protobuf] = random.pick(forms);
      let answer: Response;
      if (protobuf !== undefined && random.chance(0.5)) {
        const changed = Buffer.from(protobuf);
        for (let change = 0; change < 3; change += 1)
          changed[Math.floor(random.next() * changed.length)] = Math.floor(random.next() * 256);
        answer = await dashboard.otlp(signal, changed, { 'content-type': 'application/x-protobuf' });
      } else answer = await dashboard.otlp(signal, mutate(json, 0.02) as object);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      await answer.arrayBuffer();
      if (round % 100 === 99) await expectAnswers();
    }
    expect([...statuses.keys()].sort()).toEqual([200, 400]);
    expect(statuses.get(200)).toBeGreaterThan(100);
    // What was taken could be stored.
    await store.flush();
    expect(store.dropped).toBe(0);
    const { spans, logs, points } = store.read(readStore);
    expect(Math.min(spans, logs, points)).toBeGreaterThan(10);
  });
});
