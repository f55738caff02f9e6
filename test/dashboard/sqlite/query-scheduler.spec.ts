import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { type Database } from '../../../lib/dashboard/sqlite/database/database.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { findTraces } from '../../../lib/dashboard/sqlite/queries/find-traces.js';
import { readOverview } from '../../../lib/dashboard/sqlite/queries/overview.js';
import { readTrace } from '../../../lib/dashboard/sqlite/queries/read-trace.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { Portion, type Steps } from '../../../lib/dashboard/steps.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { logOf, newTraceId, spanOf } from './sample-rows.js';

/** Counts steps: how often others had their turn. */
function* counting<T>(steps: Steps<T>, onStep: () => void): Steps<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    onStep();
    yield;
  }
}

/** A machine so slow that every look at the clock finds the turn to be over. */
function slowDown(): void {
  let now = performance.now();
  jest.spyOn(performance, 'now').mockImplementation(() => (now += 20));
}

async function withLargeTrace(): Promise<{ store: TelemetryStore; traceId: string }> {
  const store = openTestStore();
  const traceId = newTraceId();
  const start = Date.now() * 1_000;
  for (let index = 0; index < 3_000; index += 1) {
    store.addSpan(spanOf({ traceId, parentLow: index === 0 ? 0 : 1, start: start + ((index * 7) % 3_000) }));
    store.addLog(logOf({ traceId, message: `line ${index}`, time: Math.floor(start / 1_000) + index }));
  }
  await store.flush();
  return { store, traceId };
}

describe('a question to the store', () => {
  afterEach(async () => {
    jest.restoreAllMocks();
    await cleanUp();
  });

  it('has one step in each turn of the event loop, however many clients ask', async () => {
    const store = openTestStore();
    const rounds: string[] = [];
    let round = 0;
    const count = (): void => {
      round += 1;
      if (round < 20) setImmediate(count);
    };
    setImmediate(count);
    const ask = (name: string) =>
      store.ask(function* () {
        for (let step = 0; step < 3; step += 1) {
          rounds.push(`${name}${round}`);
          yield;
        }
        return name;
      });
    await expect(Promise.all([ask('a'), ask('b')])).resolves.toEqual(['a', 'b']);
    expect(rounds.map((text) => text[0]).join('')).toBe('ababab');
    expect(new Set(rounds.map((text) => text.slice(1))).size).toBe(6);
  });

  it('rejects with what went wrong, and leaves the others alone', async () => {
    const store = openTestStore();
    const wrong = store.ask(function* (database: Database): Steps<unknown> {
      yield;
      return database.all('SELECT missing');
    });
    const right = store.ask(function* (): Steps<number> {
      yield;
      yield;
      return 1;
    });
    await expect(wrong).rejects.toThrow('no such column');
    await expect(right).resolves.toBe(1);
  });

  it('is asked again when the database has been replaced meanwhile', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    let first: Database | undefined;
    let begun = 0;
    const answer = store.ask(function* (database: Database): Steps<number> {
      begun += 1;
      first ??= database;
      while (database === first) yield;
      return database.all('SELECT 1').length;
    });
    rmSync(file);
    await expect(answer).resolves.toBe(1);
    expect(begun).toBe(2);
  });

  it('about a large trace gives way between some of its spans and lines, and returns them in order', async () => {
    const { store, traceId } = await withLargeTrace();
    slowDown();
    let steps = 0;
    const trace = await store.ask((database) => counting(readTrace(database, traceId), () => (steps += 1)));
    expect(steps).toBeGreaterThan(20);
    const starts = trace?.spans.map(({ start }) => start) ?? [];
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(new Set(trace?.spans.map(({ spanId }) => spanId)).size).toBe(3_000);
    expect(trace?.logs.map(({ message }) => message)).toEqual(
      Array.from({ length: 3_000 }, (_, index) => `line ${index}`),
    );
  });

  it.each([
    ['traces of a status', (database: Database) => findTraces(database, { status: '404' })],
    [
      'traces of a service that match in nothing',
      (database: Database) => findTraces(database, { service: 'orders', minMs: 1e9 }),
    ],
    [
      'traces of a route',
      (database: Database) => findTraces(database, { route: '/orders/:id', status: '404' }),
    ],
    ['traces with a text', (database: Database) => findTraces(database, { text: 'nowhere' })],
    ['lines of a class', (database: Database) => findLogs(database, { context: 'Nobody' })],
    [
      'lines with a word, of a class',
      (database: Database) => findLogs(database, { text: 'started', context: 'Nobody' }),
    ],
  ])('for %s gives way while it looks through many', async (_, question) => {
    const store = openTestStore();
    for (let index = 0; index < 4_000; index += 1) {
      store.addSpan(spanOf());
      store.addLog(logOf());
    }
    await store.flush();
    slowDown();
    let steps = 0;
    const page = await store.ask<{ readonly items: readonly unknown[] }>((database) =>
      counting<{ readonly items: readonly unknown[] }>(question(database), () => (steps += 1)),
    );
    expect(page.items).toEqual([]);
    expect(steps).toBeGreaterThan(1);
  });

  it('for the overview of many routes gives way', async () => {
    const store = openTestStore();
    const now = Date.now();
    for (let index = 0; index < 2_000; index += 1)
      store.addSpan(spanOf({ route: `/r${index}`, start: (now - 60_000) * 1_000 }));
    await store.flush();
    slowDown();
    let steps = 0;
    const overview = await store.ask((database) =>
      counting(readOverview(database, { from: now - 600_000, to: now, buckets: 60 }), () => (steps += 1)),
    );
    expect(steps).toBeGreaterThan(5);
    expect(Math.max(...overview.perSecond)).toBeGreaterThan(0);
  });
});

describe('what is asked of the database at once', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('becomes less after a call that took long and more after a short one, up to its maximum', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const portion = new Portion(100, 300);
    const take = (milliseconds: number): number => {
      const size = portion.begin();
      now.mockReturnValue(performance.now() + milliseconds);
      portion.end();
      return size;
    };
    expect([20, 20, 1.5, 0.1, 0.1, 0.1, 0.1, 0.1].map(take)).toEqual([100, 50, 25, 25, 50, 100, 200, 300]);
    for (let call = 0; call < 20; call += 1) take(20);
    expect(portion.begin()).toBe(1);
  });
});

describe('whileViewed()', () => {
  afterEach(cleanUp);

  it('calls in every process on the file, and not before the store is viewed', () => {
    const file = join(newFolder(), 'telemetry.db');
    const [viewing, recording] = [openTestStore({ file }), openTestStore({ file })];
    const calls: string[] = [];
    viewing.whileViewed(60_000, () => calls.push('viewing'));
    recording.whileViewed(60_000, () => calls.push('recording'));
    const maintain = (): void => {
      for (const store of [viewing, recording]) store.maintain();
    };
    maintain();
    expect(calls).toEqual([]);
    viewing.markViewed();
    maintain();
    expect(calls).toEqual(['viewing', 'recording']);
    maintain();
    expect(calls).toHaveLength(2);
  });

  it('ends some seconds after the last view', () => {
    const store = openTestStore();
    let calls = 0;
    store.whileViewed(0, () => (calls += 1));
    store.markViewed();
    store.maintain();
    expect(calls).toBe(1);
    store.maintain(Date.now() + 20_000);
    expect(calls).toBe(1);
  });

  it('calls no more when it was ended', () => {
    const store = openTestStore();
    const calls: string[] = [];
    const end = store.whileViewed(0, () => calls.push('first'));
    store.whileViewed(0, () => calls.push('second'));
    end();
    store.markViewed();
    store.maintain();
    expect(calls).toEqual(['second']);
  });
});
