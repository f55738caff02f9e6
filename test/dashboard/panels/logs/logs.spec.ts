import { type LogPatternsAnswer } from '../../../../lib/dashboard/panels/logs/patterns.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { logOf } from '../../sqlite/sample-rows.js';

const NOW = Date.now();

let served: ServedDashboard | undefined;
afterEach(async () => {
  await served?.close();
  await cleanUp();
});

describe('the log panel of the dashboard', () => {
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
