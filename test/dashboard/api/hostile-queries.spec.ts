import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { serveDashboard,type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';
import { logOf, ORDERS, spanOf } from '../sqlite/sample-rows.js';

const NAMES = [
  'from',
  'to',
  'service',
  'route',
  'method',
  'status',
  'minMs',
  'maxMs',
  'attribute',
  'text',
  'before',
  'limit',
  'buckets',
  'level',
  'context',
  'traceId',
  'spanId',
  'filter',
  'group',
  'a',
  'b',
];

const VALUES = [
  '\0',
  'a\0b',
  '%',
  '_',
  '\\',
  "'",
  '"',
  '""',
  '"a',
  'a" OR "b',
  'NEAR(a b)',
  'a AND',
  'NOT',
  '*',
  'a*',
  '^a',
  '(',
  ')',
  '-a',
  'a:b',
  ':',
  'a:',
  'a"b:c',
  'a\\:c',
  '$.a:1',
  '[0]:1',
  '__proto__:x',
  '\ufffd',
  '\u{1F600}',
  '\u202e',
  'é́',
  ' ',
  '\t',
  '\n',
  '-1',
  '-0',
  '0',
  '0x10',
  '1e3',
  '1e308',
  '1e400',
  '-1e400',
  'NaN',
  'Infinity',
  '1.5',
  '9007199254740993',
  '18446744073709551615',
  '8640000000000000',
  '8640000000000001',
  '1795427080434',
  'true',
  'null',
  '0.0',
  '1.1',
  '99999999999999999.9999999999999999',
  'f'.repeat(32),
  '0'.repeat(32),
  'g'.repeat(32),
  'f'.repeat(16),
  'error',
  'ok',
  '5xx',
  'x'.repeat(999),
  'x'.repeat(1_001),
  Array.from({ length: 490 }, (_, index) => `w${index}`).join(' '),
  'a '.repeat(499),
  'a.'.repeat(499),
  '%_'.repeat(499),
  'é'.repeat(999),
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.repeat(20),
];

const PATHS = [
  'services',
  'overview',
  'routes',
  'traces',
  `traces/${'a'.repeat(32)}`,
  'traces/%00',
  'traces/x',
  `traces/${'a'.repeat(32)}/otlp`,
  'compare',
  'logs',
  'metrics',
  'metrics/1',
  'metrics/999999999999999',
  'metrics/-1',
  'metrics/%00',
  'health',
];

describe('the API of the dashboard', () => {
  let store: TelemetryStore;
  let dashboard: ServedDashboard;
  let origin: string;

  beforeAll(async () => {
    store = openTestStore();
    for (let index = 0; index < 2_000; index += 1) {
      store.addSpan(spanOf({ attributes: JSON.stringify({ n: index, text: 'a'.repeat(500) }) }));
      store.addLog(logOf({ message: `w${index} ${'aaaa '.repeat(50)}` }));
    }
    await store.flush();
    dashboard = await serveDashboard(store);
    origin = `http://127.0.0.1:${dashboard.port}/telemetry/api/v1/`;
  });
  afterAll(async () => {
    await dashboard.close();
    await cleanUp();
  });

  const statusOf = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(origin + path, init);
    const body = (await response.json()) as { error?: { message: string } };
    return [response.status, body.error?.message].filter(Boolean).join(' ');
  };

  it.each(PATHS.map((path, index) => [path, index] as const))(
    'answers %s, or says what is wrong, whatever the parameters are',
    async (path, index) => {
      // Each value comes with each path and with each name, but not all three together.
      const pairs = NAMES.flatMap((name, step) =>
        VALUES.filter((_, place) => (place + step + index) % 6 === 0).map((value) => [name, value] as const),
      );
      for (const [name, value] of pairs) {
        const response = await fetch(`${origin}${path}?${name}=${encodeURIComponent(value)}`);
        const body = await response.text();
        const asked = `${path}?${name}=${value.slice(0, 40)}`;
        const expected = [200, 400, 404].includes(response.status) ? response.status : 'an answer';
        expect([asked, response.status, body.slice(0, 200)]).toEqual([
          asked,
          expected,
          expect.stringMatching(/^[[{]/),
        ]);
      }
    },
  );

  it('does not search for NUL, which SQLite takes for the end of a text', async () => {
    for (const path of ['logs', 'traces'])
      expect(await statusOf(`${path}?text=a%00b`)).toBe('400 text must not contain the character NUL.');
    expect(await statusOf('traces?attribute=a:b%00')).toBe(
      '400 attribute must not contain the character NUL.',
    );
    expect(await statusOf('logs?text=%22a')).toBe('200');
  });

  it('takes every id of an instrument: those of 16 digits, as ClickHouse has, were refused', async () => {
    expect(await statusOf(`metrics/${Number.MAX_SAFE_INTEGER}`)).toMatch(/^404/);
    for (const id of ['9007199254740992', '99999999999999999', '-1', '1.5'])
      expect(await statusOf(`metrics/${id}`)).toBe(
        '400 The id of an instrument must be a whole number below 2^53.',
      );
  });

  it('refuses a search of many words, which would block the event loop', async () => {
    const words = (count: number): string =>
      Array.from({ length: count }, (_, index) => `w${index}`).join('.');
    expect(await statusOf(`logs?text=${words(490)}`)).toMatch(
      /^400 text is longer than|^400 text has \d+ characters/,
    );
    expect(await statusOf(`logs?text=${words(60)}`)).toBe(
      '400 text has 60 words; at most 20 are searched for.',
    );
    expect(await statusOf(`logs?text=${words(20)}`)).toBe('200');
  });

  it.each([
    ['from', '1e400', '400 from must be a number of at least 0; it is "1e400".'],
    ['from', '0x10', '400 from must be a number of at least 0; it is "0x10".'],
    ['from', '%20', '400 from must be a number of at least 0; it is " ".'],
    ['minMs', 'Infinity', '400 minMs must be a number of at least 0; it is "Infinity".'],
    ['limit', '1e9', '400 limit must be a number from 1 to 1000; it is "1e9".'],
  ])('refuses %s=%s', async (name, value, expected) => {
    expect(await statusOf(`traces?${name}=${value}`)).toBe(expected);
  });

  it.each([
    ['from', { from: Number.MAX_VALUE, to: 1 }],
    ['a text', { from: '1', to: 2 }],
    ['NUL', { from: 1, to: 2, service: 'a\0' }],
    ['a list', []],
    ['depth', JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)) as unknown],
  ])('refuses a selection with a wrong value: %s', async (_, selection) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(selection),
    };
    expect(await statusOf('selection', init)).toMatch(/^400 /);
  });

  it('answers while a row of an earlier version has a number that JavaScript cannot read', async () => {
    const start = Date.now() * 1_000;
    store.addSpan(spanOf({ start, name: 'wild' }));
    store.addLog(logOf({ message: 'wild' }));
    await store.flush();
    const wild = '18446744073709552';
    store.read((database) => {
      database.exec(`UPDATE traces SET start = ${wild}, duration = ${wild}000 WHERE name = 'wild'`);
      database.exec(`UPDATE spans SET start = ${wild}, duration = ${wild}000 WHERE name = 'wild'`);
      database.exec(`UPDATE logs SET time = ${wild}000 WHERE message = 'wild'`);
    });
    for (const path of ['traces', 'overview', 'services', 'routes', 'logs'])
      expect(await statusOf(path)).toBe('200');
  });

  it('stores nothing whose numbers cannot be right, and says so', async () => {
    const before = store.dropped;
    const point = {
      instrument: {
        resource: ORDERS,
        scope: '',
        name: 'm',
        description: '',
        unit: '',
        type: 'histogram' as const,
      },
      attributes: '{}',
      time: Date.now(),
      value: 1,
      count: 1,
    };
    store.addSpan(spanOf({ start: 2 ** 64 / 1_000 }));
    store.addSpan(spanOf({ duration: Infinity }));
    store.addSpan(spanOf({ duration: NaN }));
    store.addSpan(spanOf({ start: -1 }));
    store.addLog(logOf({ time: 1e20 }));
    store.addPoints([
      { ...point, value: NaN },
      { ...point, time: Infinity },
      { ...point, count: -1 },
      { ...point, buckets: new Map([[Infinity, 1]]) },
      { ...point, buckets: new Map([[1, Infinity]]) },
      { ...point, boundaries: [1], buckets: new Map([[7, 1]]) },
      { ...point, exemplars: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), value: NaN, time: 1 }] },
    ]);
    const good = spanOf({ name: 'beside wild rows' });
    store.addSpan(good);
    await store.flush();
    expect(store.dropped - before).toBe(12);
    expect(await statusOf(`traces/${good.traceId}`)).toBe('200');
  });
});
