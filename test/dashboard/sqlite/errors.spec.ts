import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import {
  type ErrorDetailAnswer,
  type ErrorListAnswer,
} from '../../../lib/dashboard/reader/answers/errors.interface.js';
import { type ErrorFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { findErrors, readError } from '../../../lib/dashboard/sqlite/queries/errors.js';
import {
  SPAN_KIND,
  SPAN_STATUS,
  type StoredResource,
  type StoredSpan,
} from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { logOf, newTraceId, ORDERS, resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const NOW = Date.now();
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const RANGE = { from: NOW - 15 * MINUTE, to: NOW + MINUTE, buckets: 15 };

interface FailureOptions {
  readonly resource?: StoredResource;
  readonly time?: number;
  readonly message?: string;
}

/** A request that failed with what was thrown inside of it; the span that recorded the exception first, as it ended first. */
function failureOf(
  fingerprint: string,
  options: FailureOptions = {},
): readonly [inner: StoredSpan, request: StoredSpan] {
  const { resource = ORDERS, time = NOW, message = 'No stock' } = options;
  const failed = {
    resource,
    start: (time - 5) * 1_000,
    status: SPAN_STATUS.error,
    attributes: JSON.stringify({ 'exception.fingerprint': fingerprint }),
  };
  const request = spanOf({ ...failed, outcome: '500' });
  const { traceId, idHigh: parentHigh, idLow: parentLow } = request;
  const attributes = { 'exception.type': 'StockError', 'exception.message': message };
  const inner = spanOf({
    ...failed,
    traceId,
    parentHigh,
    parentLow,
    kind: SPAN_KIND.internal,
    method: undefined,
    route: undefined,
    events: JSON.stringify([{ name: 'exception', time, attributes }]),
  });
  return [inner, request];
}

async function write(store: TelemetryStore, ...spans: readonly StoredSpan[]): Promise<void> {
  for (const span of spans) store.addSpan(span);
  await store.flush();
}

const errorsOf = (store: TelemetryStore, filter: Partial<ErrorFilter> = {}): ErrorListAnswer =>
  store.read((database) => findErrors(database, { ...RANGE, ...filter }));
const errorOf = (
  store: TelemetryStore,
  fingerprint: string,
  service = 'orders',
): ErrorDetailAnswer | undefined =>
  store.read((database) => readError(database, { ...RANGE, service, fingerprint }));
const hasRows = (store: TelemetryStore, sql: string): boolean =>
  store.read((database) => database.all<object>(sql)).length > 0;
const countsOf = (store: TelemetryStore) =>
  errorsOf(store).errors.map(({ fingerprint, total }) => [fingerprint, total]);

describe('the errors of the store', () => {
  it('count once whether a span or its parent is written first, together or one after the other', async () => {
    const store = openTestStore();
    const bothRecord = ([inner, request]: readonly [StoredSpan, StoredSpan]) =>
      [inner, { ...request, events: inner.events }] as const;
    const [first, second, third] = [failureOf('a'), failureOf('a'), failureOf('a')].map(bothRecord);
    await write(store, first![0], first![1]);
    await write(store, second![1], second![0]);
    await write(store, third![1]);
    await write(store, third![0]);
    expect(countsOf(store)).toEqual([['a', 3]]);
    expect(errorOf(store, 'a')!.routes).toMatchObject([{ value: 'GET /orders/:id', count: 3 }]);
  });

  it('count each attempt of a request that was made again', async () => {
    const store = openTestStore();
    const [inner, request] = failureOf('a');
    await write(store, inner, { ...inner, idLow: inner.idLow + 1_000_000 }, request);
    expect(countsOf(store)).toEqual([['a', 2]]);
    expect(errorOf(store, 'a')!.routes).toMatchObject([{ count: 1 }]);
  });

  it('are of the same kind on a span and on a log line outside of traces', async () => {
    const store = openTestStore();
    const exception = {
      'exception.type': 'TypeError',
      'exception.message': 'no id 7',
      'exception.stacktrace':
        'TypeError: no id 7\n    at read (/app/src/read.ts:2:3)\n    at node:internal/x:1:1',
    };
    const [inner] = failureOf('', { message: '' });
    const events = JSON.stringify([{ name: 'exception', time: NOW, attributes: exception }]);
    store.addLog(logOf({ level: 50, attributes: JSON.stringify(exception) }));
    await write(store, { ...inner, attributes: '{}', events });
    expect(errorsOf(store).errors).toMatchObject([{ type: 'TypeError', total: 2 }]);
  });

  it('are log lines of a trace with an exception that no failed span has, each kind once a trace', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    const exception = (message: string): string =>
      JSON.stringify({ 'exception.type': 'StockError', 'exception.message': message });
    const { traceId } = spanOf();
    const caught = { level: 50, traceId, spanId: '00000001ffffffff' };
    for (let times = 0; times < 2; times += 1)
      store.addLog(logOf({ ...caught, attributes: exception('caught') }));
    store.addLog(logOf({ ...caught, level: 40, attributes: exception('warned') }));
    store.addLog(logOf({ ...caught, message: 'without an exception' }));
    // What a filter logs of the exception with which the request fails, before its spans and after them.
    const [before, after] = [failureOf('a', { message: 'x' }), failureOf('b', { message: 'y' })];
    const lineOf = ([inner]: readonly StoredSpan[], message: string) =>
      logOf({ ...caught, traceId: inner!.traceId, attributes: exception(message) });
    const withStatus = (spans: readonly StoredSpan[], statusMessage: string) =>
      spans.map((span) => ({ ...span, statusMessage }));
    store.addLog(lineOf(before, 'x'));
    await store.flush();
    await write(store, ...withStatus(before, 'x'), ...withStatus(after, 'y'));
    store.addLog(lineOf(after, 'y'));
    await store.flush();
    expect(countsOf(store).sort()).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    await store.close();
    const { errors } = errorsOf(openTestStore({ file }));
    expect(errors.map(({ message, total }) => [message, total]).sort()).toEqual([
      ['caught', 1],
      ['x', 1],
      ['y', 1],
    ]);
  });

  it.each([
    ['those that were seen', 12, 13],
    ['those that spans stand for', 3, 8],
  ])('of a sample count %s, where that is more', async (_which, lines, count) => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    const attributes = JSON.stringify({ 'exception.type': 'StockError', 'exception.fingerprint': 'a' });
    // What failed in traces that were not recorded.
    for (let index = 0; index < lines; index += 1)
      store.addLog(
        logOf({ level: 50, time: NOW, attributes, traceId: newTraceId(), spanId: '00000001ffffffff' }),
      );
    await write(store, ...failureOf('a').map((span) => ({ ...span, weight: 8 })));
    await store.close();
    const { errors } = errorsOf(openTestStore({ file }));
    expect(errors.map((error) => [error.count, error.total])).toEqual([[count, count]]);
  });

  it('of a file that was written before they were weighted count as before', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    await write(before, ...failureOf('a'));
    await before.close();
    const database = new DatabaseSync(file);
    for (const table of ['errors', 'error_counts', 'error_parts'])
      database.exec(`ALTER TABLE ${table} DROP COLUMN stands_for`);
    database.close();
    const after = openTestStore({ file });
    expect(countsOf(after)).toEqual([['a', 1]]);
    await write(after, ...failureOf('a').map((span) => ({ ...span, weight: 8 })));
    expect(countsOf(after)).toEqual([['a', 9]]);
  });

  it('keep first seen, versions and counts where the process is started anew', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    const first = resourceOf('orders', { version: '1.0.0', instance: 'a' });
    const second = resourceOf('orders', { version: '1.1.0', instance: 'b' });
    await write(before, ...failureOf('a', { resource: first, time: NOW - 5 * MINUTE, message: 'of 3' }));
    await before.close();
    const after = openTestStore({ file });
    await write(after, ...failureOf('a', { resource: second, message: 'of 4' }));
    const error = errorOf(after, 'a')!;
    expect(error).toMatchObject({
      total: 2,
      count: 2,
      message: 'of 4',
      firstSeen: NOW - 5 * MINUTE,
      lastSeen: NOW,
      firstVersion: '1.0.0',
      lastVersion: '1.1.0',
    });
    expect(error.versions.map(({ value }) => value)).toEqual(['1.1.0', '1.0.0']);
    expect(error.samples).toHaveLength(2);
  });

  it('add up what several processes write into one file', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const stores = [openTestStore({ file }), openTestStore({ file })];
    for (let round = 0; round < 3; round += 1)
      for (const store of stores) await write(store, ...failureOf('a'), ...failureOf('b'));
    for (const store of stores)
      expect(countsOf(store).sort()).toEqual([
        ['a', 6],
        ['b', 6],
      ]);
    expect(errorOf(stores[0]!, 'a')!.counts.reduce((a, b) => a + b)).toBe(6);
  });

  it('stay when their spans are evicted, and lead to no trace any more', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await write(store, ...failureOf('old', { time: NOW - 2 * DAY }));
    await store.close();
    const later = openTestStore({ file });
    later.maintain();
    await eventually(() => !hasRows(later, 'SELECT 1 FROM spans'));
    const { errors, states } = errorsOf(later);
    expect(states).toEqual({ new: 0, back: 0, known: 0, gone: 1 });
    expect(errors).toMatchObject([{ fingerprint: 'old', total: 1, count: 0, sample: undefined }]);
    expect(errorOf(later, 'old')).toMatchObject({
      samples: [{ time: NOW - 2 * DAY, traceId: undefined }],
      route: 'GET /orders/:id',
    });
    await write(later, ...failureOf('old'));
    expect(errorsOf(later).errors).toMatchObject([{ state: 'back', total: 2, count: 1 }]);
  });

  it('are bounded: the least recently seen go, and those that were not seen for a month', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await write(store, ...failureOf('ancient', { time: NOW - 31 * DAY }));
    for (let round = 0; round < 5; round += 1)
      await write(
        store,
        ...Array.from({ length: 500 }, (_, index) =>
          failureOf(`f${round * 500 + index}`, { time: NOW - MINUTE + round * 500 + index }),
        ).flat(),
      );
    await store.close();
    const later = openTestStore({ file });
    later.maintain();
    const count = () =>
      later.read((database) => database.one<{ n: number }>('SELECT count(*) AS n FROM errors').n);
    await eventually(() => count() <= 2_000);
    expect(count()).toBe(2_000);
    expect(errorOf(later, 'ancient')).toBeUndefined();
    expect(errorOf(later, 'f499')).toBeUndefined();
    expect(errorOf(later, 'f500')).toMatchObject({ total: 1 });
    for (const table of ['error_counts', 'error_parts', 'error_samples'])
      expect(hasRows(later, `SELECT 1 FROM ${table} WHERE error NOT IN (SELECT id FROM errors)`)).toBe(false);
    expect(errorsOf(later, { limit: 1_000 }).errors).toHaveLength(1_000);
  });

  it('count no more than 500 users each, of which those that were affected last are kept', async () => {
    const store = openTestStore();
    for (let round = 0; round < 3; round += 1)
      await write(
        store,
        ...Array.from({ length: 200 }, (_, index) => {
          const number = round * 200 + index;
          const [inner, request] = failureOf('a', { time: NOW - 1_000 + number });
          return [inner, { ...request, attributes: `{"user.hash":"u${number}"}` }];
        }).flat(),
      );
    const error = errorOf(store, 'a')!;
    expect(error.users).toBe(500);
    expect(error.affectedUsers).toHaveLength(100);
    expect(error.affectedUsers[0]).toMatchObject({ value: 'u599', count: 1 });
    const kept = store.read((database) =>
      database.all<{ value: string }>("SELECT value FROM error_parts WHERE kind = 'user'"),
    );
    expect(kept.map(({ value }) => value)).not.toContain('u99');
    expect(kept.map(({ value }) => value)).toContain('u100');
  });

  it('get their tables in a file that an earlier version wrote, which keeps its rows', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    await write(before, spanOf());
    await before.close();
    const earlier = new DatabaseSync(file);
    for (const table of ['errors', 'error_counts', 'error_parts', 'error_samples'])
      earlier.exec(`DROP TABLE ${table}`);
    earlier.close();
    const store = openTestStore({ file });
    await write(store, ...failureOf('a'));
    expect(countsOf(store)).toEqual([['a', 1]]);
    expect(
      store.read((database) => database.one<{ spans: number }>('SELECT spans FROM counters')).spans,
    ).toBe(3);
  });

  it('take times that are ahead for now, and texts that are no JSON as they are', async () => {
    const store = openTestStore();
    const [inner] = failureOf('a', { time: NOW + DAY });
    await write(store, inner, {
      ...inner,
      idLow: inner.idLow + 1_000_000,
      attributes: '{',
      events: '["name":"exception"',
    });
    const { errors } = errorsOf(store);
    expect(errors).toHaveLength(2);
    for (const { lastSeen } of errors) expect(lastSeen).toBeLessThanOrEqual(Date.now());
  });
});
