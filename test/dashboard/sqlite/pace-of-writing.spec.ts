import { setImmediate } from 'node:timers/promises';

import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { spanOf } from './sample-rows.js';

function addSpans(store: TelemetryStore, count: number): void {
  for (let index = 0; index < count; index += 1) store.addSpan(spanOf());
}

/** Only timers stand still: a turn of the event loop stays one. */
function stopTimers(...alsoReal: readonly 'performance'[]): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', ...alsoReal] });
}

/** Gives the event loop turns until everything is written; returns how many rows waited in each. Rejects after a thousand. */
async function writeAll(store: TelemetryStore): Promise<ReadonlySet<number>> {
  const seen = new Set<number>();
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (store.queued === 0) return seen;
    seen.add(store.queued);
    await setImmediate();
  }
  throw new Error(`${store.queued} rows still wait`);
}

describe('the pace at which rows are written', () => {
  beforeEach(() => {
    stopTimers();
  });
  afterEach(async () => {
    jest.useRealTimers();
    await cleanUp();
  });

  it('lets few rows wait 200 ms, so that a process with little to do makes few changes', async () => {
    const store = openTestStore();
    addSpans(store, 20);
    await setImmediate();
    jest.advanceTimersByTime(199);
    expect(store.queued).toBe(20);
    jest.advanceTimersByTime(1);
    await writeAll(store);
  });

  it('does not let rows collect until writing them blocks the event loop for long', async () => {
    const store = openTestStore();
    addSpans(store, 128);
    await writeAll(store);
  });

  it('makes 10 ms pass between two changes, so that a busy process makes larger ones', async () => {
    const store = openTestStore();
    addSpans(store, 128);
    await writeAll(store);
    jest.advanceTimersByTime(5);
    addSpans(store, 256);
    await setImmediate();
    expect(store.queued).toBe(256);
    jest.advanceTimersByTime(10);
    await writeAll(store);
  });

  it('leaves requests their turn between two slices', async () => {
    stopTimers('performance');
    const store = openTestStore();
    addSpans(store, 4_000);
    expect((await writeAll(store)).size).toBeGreaterThan(3);
  });
});
