import { statSync } from 'node:fs';
import { join } from 'node:path';

import { Database } from '../../../lib/dashboard/sqlite/database/database.js';
import { allocateEvictions } from '../../../lib/dashboard/sqlite/eviction/evict-traces.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { findTraces } from '../../../lib/dashboard/sqlite/queries/find-traces.js';
import { findRoutes } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { logOf, newTraceId, ORDERS, spanOf } from './sample-rows.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await cleanUp();
});

const numbers = (store: TelemetryStore) => store.read(readStore);
const count = (store: TelemetryStore, filter: Parameters<typeof findTraces>[1]) =>
  store.read((database) => findTraces(database, { limit: 1_000, ...filter })).items.length;

let clock = Date.now() * 1_000 - 60_000_000;
const next = (more: Partial<StoredSpan> = {}): StoredSpan => {
  clock += 1_000;
  return spanOf({ start: clock, ...more });
};

/** Traces of one span, and so many lines that belong to it. */
function addTraces(store: TelemetryStore, traces: number, linesOfEach: number): void {
  for (let index = 0; index < traces; index += 1) {
    const traceId = newTraceId();
    store.addSpan(next({ traceId }));
    for (let line = 0; line < linesOfEach; line += 1) store.addLog(logOf({ traceId }));
  }
}

/** Counts the log lines that statements return from now on. */
function countLinesRead(): { read: number } {
  const lines = { read: 0 };
  const all = Object.getOwnPropertyDescriptor(Database.prototype, 'all')?.value as Database['all'];
  jest.spyOn(Database.prototype, 'all').mockImplementation(function (this: Database, sql, ...values) {
    const rows = all.call(this, sql, ...values);
    if (sql.includes('FROM logs')) lines.read += rows.length;
    return rows;
  });
  return lines;
}

describe('allocateEvictions()', () => {
  it('takes from those who have most, down to a level', () => {
    const holders = [
      { id: 1, amount: 100 },
      { id: 2, amount: 60 },
      { id: 3, amount: 5 },
    ];
    expect(allocateEvictions(holders, 20)).toEqual(new Map([[1, 20]]));
    expect(allocateEvictions(holders, 60)).toEqual(
      new Map([
        [1, 50],
        [2, 10],
      ]),
    );
    expect(allocateEvictions(holders, 1_000)).toEqual(
      new Map([
        [1, 100],
        [2, 60],
        [3, 5],
      ]),
    );
    expect(allocateEvictions([], 5)).toEqual(new Map());
  });
});

describe('the bound on spans', () => {
  it('lets a noisy route push out its own traces, and none of a rare one', async () => {
    const store = openTestStore({ maxSpans: 500 });
    for (let index = 0; index < 50; index += 1) store.addSpan(next({ route: '/rare' }));
    for (let index = 0; index < 2_000; index += 1) store.addSpan(next({ route: '/noisy' }));
    await store.flush();
    await eventually(() => numbers(store).spans <= 500);
    expect(count(store, { route: '/rare' })).toBe(50);
    expect(count(store, { route: '/noisy' })).toBeGreaterThan(400);
    const { evicted, spans } = numbers(store);
    expect(evicted + spans).toBe(2_050);
  });

  it('keeps the newest of a route', async () => {
    const store = openTestStore({ maxSpans: 200 });
    const ids = Array.from({ length: 600 }, () => newTraceId());
    for (const traceId of ids) store.addSpan(next({ traceId }));
    await store.flush();
    await eventually(() => numbers(store).spans <= 200);
    // The slowest of a minute stay longer, whenever it was looked for.
    const kept = store
      .read((database) => findTraces(database, { limit: 1_000 }))
      .items.filter(({ pinned }) => !pinned)
      .map(({ traceId }) => ids.indexOf(traceId));
    const oldest = kept.at(-1) ?? 0;
    expect(kept[0]).toBeGreaterThan(590);
    expect(ids.length - oldest - kept.length).toBeLessThan(5);
    expect(kept.length).toBeGreaterThan(150);
  });

  it('lets failed traces go last', async () => {
    const store = openTestStore({ maxSpans: 500 });
    for (let index = 0; index < 100; index += 1)
      store.addSpan(next({ status: SPAN_STATUS.error, outcome: '500' }));
    for (let index = 0; index < 2_000; index += 1) store.addSpan(next());
    await store.flush();
    await eventually(() => numbers(store).spans <= 500);
    expect(count(store, { status: 'error' })).toBe(100);
  });

  it('gives failed traces a part only, when nearly everything fails', async () => {
    const store = openTestStore({ maxSpans: 500 });
    for (let index = 0; index < 200; index += 1) store.addSpan(next({ route: '/sound' }));
    for (let index = 0; index < 2_000; index += 1)
      store.addSpan(next({ route: '/broken', status: SPAN_STATUS.error, outcome: '500' }));
    await store.flush();
    await eventually(() => numbers(store).spans <= 500);
    expect(count(store, { status: 'error' })).toBeGreaterThan(150);
    expect(count(store, { route: '/sound' })).toBe(200);
  });

  it('still knows how many came when most are evicted', async () => {
    const store = openTestStore({ maxSpans: 200 });
    for (let index = 0; index < 1_000; index += 1)
      store.addSpan(next({ start: Date.now() * 1_000, duration: 10_000 }));
    await store.flush();
    await eventually(() => numbers(store).spans <= 200);
    const [route] = store.read((database) =>
      findRoutes(database, { from: Date.now() - 60_000, to: Date.now() + 1 }),
    );
    expect(route).toMatchObject({ count: 1_000, errorShare: 0 });
    expect(route?.p95).toBeCloseTo(10, 0);
  });

  it('leaves no span behind without its trace', async () => {
    const store = openTestStore({ maxSpans: 300 });
    for (let index = 0; index < 500; index += 1) {
      const root = next();
      store.addSpan(root);
      store.addSpan(
        next({
          traceId: root.traceId,
          parentHigh: root.idHigh,
          parentLow: root.idLow,
          kind: SPAN_KIND.internal,
        }),
      );
    }
    await store.flush();
    await eventually(() => numbers(store).spans <= 300);
    const rows = store.read((database) =>
      database.one<{ spans: number; orphans: number; counted: number; grouped: number }>(
        `SELECT (SELECT count(*) FROM spans) AS spans, (SELECT count(*) FROM spans WHERE trace NOT IN (SELECT id FROM traces)) AS orphans,
           (SELECT sum(span_count) FROM traces) AS counted, (SELECT sum(spans + pinned_spans) FROM routes) AS grouped`,
      ),
    );
    const { spans } = numbers(store);
    expect(rows).toEqual({ spans, orphans: 0, counted: spans, grouped: spans });
  });
});

describe('the bound on log lines', () => {
  it('lets lines go that belong to no trace before those of kept traces and errors', async () => {
    const store = openTestStore({ maxLogs: 500 });
    const traceId = newTraceId();
    store.addSpan(next({ traceId }));
    store.addLog(logOf({ traceId, message: 'of a trace' }));
    store.addLog(logOf({ level: 50, message: 'an error' }));
    for (let index = 0; index < 2_000; index += 1) store.addLog(logOf({ message: `line ${index}` }));
    await store.flush();
    await eventually(() => numbers(store).logs <= 500);
    const find = (text: string) => store.read((database) => findLogs(database, { text })).items.length;
    expect([find('trace'), find('error')]).toEqual([1, 1]);
    expect(numbers(store).logs).toBeGreaterThan(450);
    const words = store.read((database) =>
      // Node before 22.16 has no index of words.
      database.hasFullText
        ? database.one<{ count: number }>('SELECT sum(live) AS count FROM word_blocks').count
        : numbers(store).logs,
    );
    expect(words).toBe(numbers(store).logs);
  });

  it('takes traces along when every line belongs to one', async () => {
    const store = openTestStore({ maxLogs: 500 });
    addTraces(store, 300, 10);
    await store.flush();
    await eventually(() => numbers(store).logs <= 500);
    const { spans, logs } = numbers(store);
    expect(logs).toBeGreaterThan(300);
    // Of 300; the lines of a trace may go in two steps.
    expect(spans).toBeLessThan(100);
  });
});

describe('evicting log lines', () => {
  it('does not look through all lines again for each few that go', async () => {
    const store = openTestStore({ maxLogs: 2_000 });
    const lines = countLinesRead();
    for (let round = 0; round < 30; round += 1) {
      addTraces(store, 50, 6);
      await store.flush();
    }
    await eventually(() => numbers(store).logs <= 2_000);
    const { logs, spans, evicted } = numbers(store);
    expect(logs + spans + evicted).toBe(30 * 50 * 7);
    expect(lines.read).toBeLessThan(4 * 30 * 50 * 6);
  });

  it('finds those whose trace never came, or came too late', async () => {
    const store = openTestStore({ maxLogs: 500 });
    const kept = newTraceId();
    store.addSpan(next({ traceId: kept }));
    store.addLog(logOf({ traceId: kept, message: 'kept' }));
    const old = Date.now() - 300_000;
    for (let index = 0; index < 1_500; index += 1) store.addLog(logOf({ traceId: newTraceId(), time: old }));
    await store.flush();
    await eventually(() => numbers(store).logs <= 500);
    expect(numbers(store).spans).toBe(1);
    expect(store.read((database) => findLogs(database, { traceId: kept })).items).toHaveLength(1);
  });

  it('evicts errors that are not pinned when there is nothing else', async () => {
    const store = openTestStore({ maxLogs: 500 });
    for (let index = 0; index < 2_000; index += 1)
      store.addLog(logOf({ level: 50, message: `error ${index}` }));
    await store.flush();
    await eventually(() => numbers(store).logs <= 500);
    expect(store.read((database) => findLogs(database, { text: 'error 1999' })).items).toHaveLength(1);
  });
});

describe('a trace of thousands of spans and lines', () => {
  it('is evicted in steps, and every row of it is counted', async () => {
    const store = openTestStore({ maxSpans: 1_000, maxLogs: 1_000 });
    const traceId = newTraceId();
    for (let index = 0; index < 6_000; index += 1) {
      store.addSpan(next({ traceId, parentLow: index }));
      store.addLog(logOf({ traceId }));
    }
    store.addSpan(next());
    await store.flush();
    await eventually(() => numbers(store).spans <= 1_000 && numbers(store).logs <= 1_000);
    const { spans, logs, evicted } = numbers(store);
    expect(spans + logs + evicted).toBe(12_001);
    const there = store.read((database) =>
      database.one<{ spans: number; counted: number }>(
        'SELECT (SELECT count(*) FROM spans) AS spans, (SELECT sum(span_count) FROM traces) AS counted',
      ),
    );
    expect(there).toEqual({ spans, counted: spans });
  });
});

describe('rows that come faster than they can be written', () => {
  it('are dropped and counted, and the file never passes its bound', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const maxBytes = 4 * 1_024 * 1_024;
    const store = openTestStore({ file, maxBytes });
    let largest = 0;
    const look = setInterval(() => {
      largest = Math.max(largest, statSync(file).size);
    }, 2);
    const attributes = JSON.stringify({ text: 'x'.repeat(500) });
    let made = 0;
    for (let round = 0; round < 8; round += 1) {
      for (let index = 0; index < 15_000; index += 1) {
        store.addSpan(next({ attributes }));
        store.addLog(logOf({ attributes, message: `line ${index}` }));
        made += 2;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await store.flush();
    clearInterval(look);
    const { spans, logs, evicted, dropped } = numbers(store);
    expect(dropped).toBeGreaterThan(10_000);
    expect(dropped).toBe(store.dropped);
    expect(evicted).toBeGreaterThan(10_000);
    expect(spans + logs + evicted + dropped).toBe(made);
    expect(Math.max(largest, statSync(file).size)).toBeLessThanOrEqual(maxBytes);
    expect(spans + logs).toBeGreaterThan(1_000);
  });
});

describe('the bound on points', () => {
  it('lets the oldest go, a few at a time, and counts them', async () => {
    const store = openTestStore({ maxPoints: 1_000 });
    const instrument = {
      resource: ORDERS,
      scope: 'test',
      name: 'orders',
      description: '',
      unit: '1',
      type: 'counter',
    } as const;
    const from = Date.now() - 600_000;
    for (let index = 0; index < 5_000; index += 1)
      store.addPoints([{ instrument, attributes: '{}', time: from + index * 100, value: 1, count: 0 }]);
    await store.flush();
    await eventually(() => numbers(store).points <= 1_000);
    const { points, evicted } = numbers(store);
    const { oldest, ...rows } = store.read((database) =>
      database.one<{ points: number; collected: number; minutes: number; oldest: number }>(
        `SELECT (SELECT count(*) FROM points) AS points, (SELECT collected FROM counters) AS collected,
           (SELECT count(*) FROM points WHERE level = 1) AS minutes, (SELECT min(time) FROM points WHERE level = 0) AS oldest`,
      ),
    );
    expect(rows).toEqual({ points, collected: points - rows.minutes, minutes: rows.minutes });
    expect(evicted + points).toBe(5_000 + rows.minutes);
    expect(oldest).toBeGreaterThan(from + 300_000);
  });
});

describe('the bound on bytes', () => {
  it('is held, and the file gets smaller when rows go', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const maxBytes = 4 * 1_024 * 1_024;
    const big = openTestStore({ file });
    const attributes = JSON.stringify({ text: 'x'.repeat(2_000) });
    for (let index = 0; index < 6_000; index += 1) big.addSpan(next({ attributes }));
    await big.flush();
    await big.close();
    expect(statSync(file).size).toBeGreaterThan(2 * maxBytes);

    const store = openTestStore({ file, maxBytes });
    await eventually(() => numbers(store).bytes <= maxBytes);
    await store.close();
    expect(statSync(file).size).toBeLessThanOrEqual(maxBytes);
    expect(numbersOf(file).spans).toBeGreaterThan(500);
  });

  const numbersOf = (file: string) => numbers(openTestStore({ file }));
});

describe('the bound on age', () => {
  it('lets everything go that is older, failed traces too', async () => {
    const store = openTestStore({ maxAgeMs: 3_600_000 });
    const old = Date.now() - 2 * 3_600_000;
    store.addSpan(spanOf({ start: old * 1_000, status: SPAN_STATUS.error }));
    store.addLog(logOf({ time: old, level: 50 }));
    store.addSpan(spanOf());
    store.addLog(logOf());
    await store.flush();
    await eventually(() => numbers(store).evicted === 2);
    expect(numbers(store)).toMatchObject({ spans: 1, logs: 1 });
  });
});

describe('a machine on which each look at the clock finds a step over', () => {
  /** As if finding rows took longer than a step may. */
  function slowDown(): void {
    let time = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => (time += 5));
  }

  it('deletes what is above a bound all the same', async () => {
    const store = openTestStore({ maxSpans: 100 });
    for (let index = 0; index < 300; index += 1) store.addSpan(next({ route: `/${index % 3}` }));
    await store.flush();
    slowDown();
    store.maintain();
    await eventually(() => numbers(store).spans <= 100);
  });

  it('deletes what is too old all the same', async () => {
    const store = openTestStore({ maxAgeMs: 3_600_000 });
    const old = (Date.now() - 2 * 3_600_000) * 1_000;
    for (let index = 0; index < 20; index += 1) store.addSpan(spanOf({ start: old + index }));
    await store.flush();
    slowDown();
    store.maintain();
    await eventually(() => numbers(store).spans === 0);
  });

  it('does not read the same young lines again with each step', async () => {
    const store = openTestStore({ maxLogs: 1_000 });
    addTraces(store, 300, 6);
    await store.flush();
    const lines = countLinesRead();
    slowDown();
    store.maintain();
    await eventually(() => numbers(store).logs <= 1_000);
    const gone = 300 * 6 - numbers(store).logs;
    // Once to mark it, and once to delete it; and those that are too young to decide.
    expect(lines.read).toBeLessThan(2 * gone + 300);
  });

  it('deletes a service all the same', async () => {
    const store = openTestStore();
    for (let index = 0; index < 20; index += 1) store.addSpan(next());
    await store.flush();
    store.read((database) => database.run('UPDATE services SET last_seen = 1000'));
    slowDown();
    const { service } = spanOf().resource;
    await expect(store.clear(service)).resolves.toBeUndefined();
    expect(numbers(store).spans).toBe(0);
  });
});

describe('the begin of what is stored', () => {
  it('is the first span while nothing is gone', async () => {
    const store = openTestStore();
    const start = Date.now() - 600_000;
    store.addSpan(spanOf({ start: start * 1_000 }));
    await store.flush();
    expect(numbers(store)).toMatchObject({ oldest: start, since: start });
  });

  it('is that of the sums where the spans they were made of are gone', async () => {
    const store = openTestStore({ maxSpans: 20 });
    const first = Date.now() - 1_800_000;
    for (let index = 0; index < 200; index += 1)
      store.addSpan(spanOf({ start: (first + index * 5_000) * 1_000 }));
    await store.flush();
    await eventually(() => numbers(store).spans <= 20);
    const { oldest, since } = numbers(store);
    expect(oldest).toBeGreaterThan(first + 60_000);
    expect(since).toBeGreaterThan(first - 10_000);
    expect(since).toBeLessThanOrEqual(first);
  });
});
