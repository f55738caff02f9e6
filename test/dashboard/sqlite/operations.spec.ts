import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { type OperationListAnswer } from '../../../lib/dashboard/reader/answers/operations.interface.js';
import { type OperationFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { findOperations } from '../../../lib/dashboard/sqlite/queries/operations.js';
import { findServiceMap } from '../../../lib/dashboard/sqlite/queries/service-map.js';
import { SPAN_KIND, type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, newFolder, openTestStore } from './open-test-store.js';
import { newTraceId, ORDERS, resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const MINUTE = 60_000;

const HOUR = 60 * MINUTE;

/** The begin of an hour that is over. */
const PAST = Math.floor(Date.now() / HOUR) * HOUR - HOUR;

/** A span inside of another. Times are milliseconds. */
function childOf(
  { resource, traceId, idHigh, idLow, start }: StoredSpan,
  name: string,
  after: number,
  duration: number,
): StoredSpan {
  return spanOf({
    resource,
    traceId,
    parentHigh: idHigh,
    parentLow: idLow,
    name,
    kind: SPAN_KIND.internal,
    start: start + after * 1_000,
    duration: duration * 1_000,
    method: undefined,
    route: undefined,
    outcome: undefined,
  });
}

const requestAt = (time: number, more: Partial<StoredSpan> = {}): StoredSpan =>
  spanOf({ start: time * 1_000, duration: 100_000, ...more });

async function write(store: TelemetryStore, ...spans: readonly StoredSpan[]): Promise<void> {
  for (const span of spans) store.addSpan(span);
  await store.flush();
}

const operationsOf = (store: TelemetryStore, filter: Partial<OperationFilter> = {}): OperationListAnswer =>
  store.read((database) => findOperations(database, { from: PAST, to: Date.now() + MINUTE, ...filter }));

const selfTimesOf = (store: TelemetryStore) =>
  Object.fromEntries(operationsOf(store).operations.map(({ name, selfMs }) => [name, selfMs]));

const countOf = (store: TelemetryStore, table: string): number =>
  store.read((database) => database.one<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).n);

describe('the operations of the store', () => {
  it('have the self time of a parent that is stored later than its children, in whatever parts', async () => {
    const store = openTestStore();
    const request = requestAt(PAST);
    const method = childOf(request, 'Orders.find', 10, 60);
    await write(store, childOf(method, 'inner', 15, 20), childOf(method, 'inner', 25, 20));
    await write(store, childOf(method, 'inner', 50, 5), method);
    await write(store, childOf(request, 'Orders.save', 80, 10));
    await write(store, request);
    expect(selfTimesOf(store)).toEqual({
      inner: 45,
      'Orders.find': 25,
      'Orders.save': 10,
      'GET /orders/:id': 30,
    });
    expect(operationsOf(store, { order: 'perTrace' }).operations[0]).toMatchObject({
      name: 'inner',
      perTrace: 3,
    });
  });

  it('count a child that ends after its parent by itself', async () => {
    const store = openTestStore();
    const request = requestAt(PAST);
    await write(store, request);
    await write(store, childOf(request, 'after the answer', 50, 500));
    expect(selfTimesOf(store)).toEqual({ 'after the answer': 500, 'GET /orders/:id': 100 });
  });

  it('are found among the children of a trace of thousands of spans', async () => {
    const store = openTestStore();
    const request = requestAt(PAST, { duration: 10_000_000 });
    const children = Array.from({ length: 3_000 }, (_, index) => childOf(request, 'step', index * 3, 2));
    await write(store, ...children, request);
    expect(selfTimesOf(store)).toEqual({ step: 6_000, 'GET /orders/:id': 4_000 });
  });

  it('add up over restarts and processes, and stay when their spans are evicted', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    await write(before, requestAt(PAST));
    await before.close();
    const stores = [openTestStore({ file, maxSpans: 5 }), openTestStore({ file })];
    for (const store of stores)
      await write(store, ...Array.from({ length: 10 }, () => requestAt(PAST + MINUTE)));
    await eventually(() => {
      stores[0]?.maintain();
      return countOf(stores[1]!, 'spans') <= 5;
    });
    for (const store of stores)
      expect(operationsOf(store)).toMatchObject({
        traces: 21,
        spans: 21,
        complete: true,
        since: PAST,
        operations: [{ service: 'orders', count: 21, selfMs: 2_100 }],
      });
  });

  it('are the same read by minutes and in longer slots, from any minute on', async () => {
    const store = openTestStore();
    const minutes = Array.from({ length: 60 }, (_, index) => PAST + index * MINUTE);
    for (const [index, minute] of minutes.entries())
      await write(store, ...Array.from({ length: (index % 3) + 1 }, () => requestAt(minute)));
    const counts = (from: number, to: number): number => operationsOf(store, { from, to }).spans;
    expect(counts(PAST, PAST + HOUR)).toBe(120);
    expect(counts(PAST - 5 * HOUR, PAST + 2 * HOUR)).toBe(120);
    expect(counts(PAST + 3 * MINUTE, PAST + 57 * MINUTE)).toBe(108);
    expect(counts(PAST + 7 * MINUTE, PAST + 8 * MINUTE)).toBe(2);
  });

  it('are read in longer slots where minutes were evicted', async () => {
    const store = openTestStore();
    for (let minute = 0; minute < 30; minute += 1) await write(store, requestAt(PAST + minute * MINUTE));
    const count = (from: number): number => operationsOf(store, { from }).spans;
    expect(count(PAST + 13 * MINUTE)).toBe(17);
    store.read((database) =>
      database.run('DELETE FROM operation_sums WHERE level = 0 AND slot < ?', PAST + 16 * MINUTE),
    );
    expect(count(PAST + 13 * MINUTE)).toBe(20);
    expect(count(PAST + 17 * MINUTE)).toBe(13);
  });

  it('are bounded in number: the oldest sums go first', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await write(store, requestAt(PAST));
    store.read((database) =>
      database.run(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 41000)
         INSERT INTO operation_sums SELECT 0, ? + i / 1000 * 60000, i, 0, 1, 0, 1, 1, 1, 1, x'' FROM n`,
        PAST + MINUTE,
      ),
    );
    await store.close();
    const later = openTestStore({ file });
    const sums = 'operation_sums WHERE level = 0';
    await eventually(() => {
      later.maintain();
      return countOf(later, sums) <= 40_000;
    });
    expect(countOf(later, sums)).toBeGreaterThan(38_000);
    expect(countOf(later, `${sums} AND slot = ${PAST}`)).toBe(0);
  });

  it('wait in memory, and are written before a question of the same process', async () => {
    const store = openTestStore();
    store.addSpan(requestAt(PAST));
    await eventually(() => store.queued === 0);
    store.maintain();
    expect(countOf(store, 'operation_sums')).toBe(0);
    const { operations } = await createSqliteReader(store).operations({ from: PAST, to: PAST + MINUTE });
    expect(operations).toMatchObject([{ count: 1 }]);
  });

  it('of made-up names are bounded, in one process and in the store', async () => {
    const file = join(newFolder(), 'telemetry.db');
    for (const round of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const store = openTestStore({ file });
      const request = requestAt(PAST);
      const madeUp = Array.from({ length: 1_100 }, (_, index) => childOf(request, `${round}${index}`, 0, 1));
      await write(store, ...madeUp, request);
      expect(operationsOf(store, { order: 'count' }).operations[0]).toMatchObject({ name: '(other)' });
      await store.close();
    }
    const store = openTestStore({ file });
    expect(countOf(store, 'operations')).toBeLessThanOrEqual(5_010);
    expect(operationsOf(store).spans).toBe(6 * 1_101);
  });

  it('are evicted by age, with their names', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const store = openTestStore({ file });
    await write(store, requestAt(PAST - 30 * HOUR), requestAt(PAST, { name: 'GET /new' }));
    await store.close();
    const raw = new DatabaseSync(file);
    raw.exec(`UPDATE operations SET last_seen = ${PAST - 30 * HOUR} WHERE name <> 'GET /new'`);
    raw.close();
    const later = openTestStore({ file });
    await eventually(() => {
      later.maintain();
      return countOf(later, 'operations') === 1;
    });
    expect(operationsOf(later, { from: PAST - 48 * HOUR }).operations).toMatchObject([{ name: 'GET /new' }]);
  });

  it('of a file that an earlier version wrote begin where their sums do', async () => {
    const file = join(newFolder(), 'telemetry.db');
    const before = openTestStore({ file });
    await write(before, requestAt(PAST));
    await before.close();
    const earlier = new DatabaseSync(file);
    earlier.exec('DROP TABLE operations; DROP TABLE operation_sums');
    earlier.close();
    const store = openTestStore({ file });
    expect(operationsOf(store)).toMatchObject({ operations: [], complete: false });
    await write(store, requestAt(PAST + 20 * MINUTE));
    expect(operationsOf(store)).toMatchObject({ spans: 1, complete: false, since: PAST + 20 * MINUTE });
    expect(operationsOf(store, { from: PAST + 10 * MINUTE })).toMatchObject({ complete: true });
  });

  it('take names and targets with quotes and line breaks as they are', async () => {
    const store = openTestStore();
    const target = 'a "quoted"\nname';
    const attributes = JSON.stringify({ 'other.key': '"server.address":"wrong"', 'server.address': target });
    await write(store, requestAt(PAST, { kind: SPAN_KIND.client, name: 'GET', attributes }));
    const resource = resourceOf('"users"');
    await write(
      store,
      requestAt(PAST, { resource, kind: SPAN_KIND.client, name: 'GET', attributes: '{"server.' }),
    );
    expect(operationsOf(store, { service: ORDERS.service }).operations).toMatchObject([
      { kind: 'call', target, attribute: { key: 'server.address', value: target } },
    ]);
    expect(operationsOf(store, { service: '"users"' }).operations).toMatchObject([
      { kind: 'call', target: undefined, attribute: undefined },
    ]);
  });
});

/** Long enough ago for all spans to be over. */
const begin = Date.now() - 600_000;

async function add(store: TelemetryStore, count: number, spanAt: (index: number) => StoredSpan) {
  for (let index = 0; index < count; index += 1) {
    store.addSpan(spanAt(index));
    // Its queue is bounded.
    if (index % 2_000 === 1_999) await store.flush();
  }
  await store.flush();
}

const query = (traceId: string, start: number): StoredSpan =>
  spanOf({
    traceId,
    start,
    kind: SPAN_KIND.client,
    attributes: '{"db.system.name":"postgresql"}',
    route: undefined,
    method: undefined,
  });

describe('the map of services', () => {
  const range = { from: begin, to: begin + 100_000 };

  it('reads whole traces from the newest on up to a bound, and gives rates for the time it covers', async () => {
    const store = openTestStore();
    const old = Array.from({ length: 3 }, newTraceId);
    // Three traces of 9,000 spans, of which two fit.
    await add(store, 27_000, (index) => {
      const trace = Math.floor(index / 9_000);
      return query(old[trace]!, (begin + trace * 20_000) * 1_000 + index);
    });
    const { edges, ...covered } = await store.ask((database) => findServiceMap(database, range));
    expect(covered).toMatchObject({ traces: 2, spans: 18_000, complete: false, since: begin + 20_000 + 9 });
    expect(edges).toMatchObject([{ count: 18_000, perSecond: 18_000 / (80 - 0.009) }]);
  });

  it('finds a service that took part in one of many traces', async () => {
    const store = openTestStore();
    const resource = resourceOf('rare');
    store.addSpan({ ...query(newTraceId(), begin * 1_000), resource });
    await add(store, 4_000, (index) => query(newTraceId(), (begin + 10 + index) * 1_000));
    const answer = await store.ask((database) => findServiceMap(database, { ...range, service: 'rare' }));
    expect(answer).toMatchObject({ traces: 1, spans: 1, total: 1 });
  });

  it('reads the begin of a trace that is larger than the bound', async () => {
    const store = openTestStore();
    const traceId = newTraceId();
    await add(store, 21_000, (index) => query(traceId, begin * 1_000 + index));
    const { edges, ...covered } = await store.ask((database) => findServiceMap(database, range));
    expect(covered).toMatchObject({ traces: 1, spans: 20_000, complete: false });
    expect(edges).toMatchObject([{ count: 20_000 }]);
  });
});
