import { maskMessage } from '../../../../lib/dashboard/panels/logs/mask-message.js';
import { type LogPatternsAnswer } from '../../../../lib/dashboard/panels/logs/patterns.js';
import { columnsOf, suggestColumns } from '../../../../lib/dashboard/panels/logs/view/columns.js';
import { wordsOfPattern } from '../../../../lib/dashboard/panels/logs/view/words-of-pattern.js';
import { type LogAnswer } from '../../../../lib/dashboard/reader/answers/logs.interface.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { logOf } from '../../sqlite/sample-rows.js';

const NOW = Date.now();

describe('the log panel of the dashboard', () => {
  let served: ServedDashboard | undefined;
  afterEach(async () => {
    await served?.close();
    await cleanUp();
  });

  async function serve(logs: readonly Parameters<typeof logOf>[0][]): Promise<ServedDashboard> {
    const store = openTestStore();
    for (const log of logs) store.addLog(logOf(log));
    await store.flush();
    return (served = await serveDashboard(store));
  }

  it('counts lines by pattern, those that began in the newer half of the time first', async () => {
    const lines = [
      ...Array.from({ length: 6 }, (_, index) => ({ time: NOW - index * 1_000, message: `Order ${index}` })),
      { time: NOW - 500, message: 'Refused 7', level: 50 },
      { time: NOW - 400, message: 'Refused 8', level: 50 },
    ];
    const { status, body } = await (await serve(lines)).api('logs/patterns');
    expect(status).toBe(200);
    expect(body as LogPatternsAnswer).toMatchObject({
      read: 8,
      isAll: true,
      patterns: [
        { pattern: 'Refused #', level: 'error', count: 2, isNew: true, firstSeen: NOW - 500 },
        { pattern: 'Order #', level: 'info', count: 6, isNew: false, lastSeen: NOW },
      ],
    });
  });

  it('counts patterns of the lines that a filter leaves, and none of no lines', async () => {
    const { api } = await serve([
      { time: NOW, message: 'a 1' },
      { time: NOW, message: 'b 2', level: 50 },
    ]);
    const found = (await api('logs/patterns?level=warn')).body as LogPatternsAnswer;
    expect(found.patterns.map(({ pattern }) => pattern)).toEqual(['b #']);
    expect((await api('logs/patterns?service=unknown')).body).toEqual({
      read: 0,
      isAll: true,
      patterns: [],
    });
  });

  it('reads the newest 5,000 lines for patterns at most, and says when there are more', async () => {
    const lines = Array.from({ length: 5_010 }, (_, index) => ({ time: NOW - index, message: `m ${index}` }));
    const { read, isAll, patterns } = (await (await serve(lines)).api('logs/patterns'))
      .body as LogPatternsAnswer;
    expect(isAll).toBe(false);
    expect(read).toBeGreaterThanOrEqual(1_000 - 1); // a busy machine reads fewer pages
    expect(read).toBeLessThanOrEqual(5_000);
    expect(patterns[0]?.count).toBe(read);
  });

  it.each([
    'logs/volume?buckets=0',
    'logs/volume?level=loud',
    'logs/volume?from=5&to=4',
    'logs/patterns?level=x',
  ])('answers 400 to %s', async (path) => {
    expect((await (await serve([])).api(path)).status).toBe(400);
  });
});

const lineOf = (attributes: LogAnswer['attributes']): LogAnswer => ({
  id: 1,
  time: 1,
  level: 'info',
  service: 'orders',
  context: undefined,
  message: 'Done',
  traceId: undefined,
  spanId: undefined,
  attributes,
});

describe('the columns of the list of log lines', () => {
  it('are those of the address, each once, six at most', () => {
    expect(columnsOf(new URLSearchParams('column=a&column=b&column=a&column='))).toEqual(['a', 'b']);
    expect(columnsOf(new URLSearchParams('abcdefgh'.split('').map((key) => ['column', key])))).toHaveLength(
      6,
    );
  });

  it('are suggested from the fields that the newest lines have, the most frequent first', () => {
    const lines = [
      lineOf({ b: 1, 'exception.stacktrace': 'Error' }),
      lineOf({ a: 1, c: 1 }),
      lineOf({ c: 1 }),
      ...Array.from({ length: 500 }, () => lineOf({ c: 1 })),
      lineOf({ old: 1 }),
    ];
    expect(suggestColumns(lines, [])).toEqual(['c', 'a', 'b']);
    expect(suggestColumns(lines, ['c'])).toEqual(['a', 'b']);
    expect(suggestColumns([], [])).toEqual([]);
  });
});

describe('the pattern of a log message', () => {
  it.each([
    ['GET /orders/17 took 12ms', 'GET /orders/# took #ms'],
    ['took 1.5 s of 2,000', 'took # s of #'],
    ['Order 0195c2d6-7a10-7bd1-9b0e-1f2a3b4c5d6e paid', 'Order # paid'],
    ['trace 4bf92f3577b34da6a3ce929d0e0e4736', 'trace #'],
    ['SKU-1834 and user_42', 'SKU-# and user_#'],
    [`column "tenant" doesn't exist in 'orders'`, `column "…" doesn't exist in '…'`],
    ['calling https://api.example/v1/users?id=7 failed', 'calling … failed'],
    ['started', 'started'],
    ['', ''],
  ])('of %j is %j', (message, pattern) => {
    expect(maskMessage(message)).toBe(pattern);
  });

  it('is the same for messages that differ only after 300 characters', () => {
    expect(maskMessage(`${'a '.repeat(150)}x`)).toBe(maskMessage(`${'a '.repeat(150)}y`));
  });

  it('is searched for by the words that all its lines have', () => {
    expect(wordsOfPattern('GET /orders/# took #ms for "…"')).toBe('GET took for');
    expect(wordsOfPattern('#')).toBe('');
  });
});
