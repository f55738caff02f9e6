import { type LogFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { Database } from '../../../lib/dashboard/sqlite/database/database.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { countLogVolume } from '../../../lib/dashboard/sqlite/queries/log-volume.js';
import { rankSelection } from '../../../lib/dashboard/sqlite/queries/rank-selection.js';
import { type Question } from '../../../lib/dashboard/sqlite/query-scheduler.js';
import { type StoredLog } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { logOf, newTraceId, resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

async function storeOf(logs: readonly Partial<StoredLog>[]): Promise<TelemetryStore> {
  const store = openTestStore();
  for (const log of logs) store.addLog(logOf(log));
  await store.flush();
  return store;
}

const find = (store: TelemetryStore, filter: LogFilter = {}) =>
  store.read((database) => findLogs(database, filter)).items.map(({ message }) => message);

describe('findLogs()', () => {
  it('gives a line as it was written', async () => {
    const traceId = newTraceId();
    const store = await storeOf([
      {
        time: 1_790_000_000_123,
        level: 35,
        traceId,
        spanId: '00000000000000ab',
        message: 'Größe: 3 µm <script>',
        attributes: '{"id":"7","nested":{"a":[1]}}',
      },
    ]);
    expect(store.read((database) => findLogs(database)).items).toEqual([
      {
        id: 1,
        time: 1_790_000_000_123,
        level: 'info',
        service: 'orders',
        context: 'OrderService',
        message: 'Größe: 3 µm <script>',
        traceId,
        spanId: '00000000000000ab',
        attributes: { id: '7', nested: { a: [1] } },
      },
    ]);
  });

  it('gives the newest first, page by page, each once, whatever was asked', async () => {
    const now = Date.now();
    const store = await storeOf(
      Array.from({ length: 30 }, (_, index) => ({ message: `line ${index}`, time: now - 30 + index })),
    );
    for (const filter of [{}, { text: 'line' }]) {
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const page = store.read((database) => findLogs(database, { ...filter, limit: 7, before }));
        seen.push(...page.items.map(({ message }) => message));
        before = page.next;
      } while (before !== undefined);
      expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => `line ${29 - index}`));
    }
  });

  it('finds by level, service, class and time', async () => {
    const now = Date.now();
    const store = await storeOf([
      { message: 'debug', level: 20 },
      { message: 'error', level: 50, resource: resourceOf('worker') },
      { message: 'fatal', level: 60, context: 'Other', time: now - 60_000 },
    ]);
    expect(find(store, { level: 'error' })).toEqual(['error', 'fatal']);
    expect(find(store, { service: 'worker' })).toEqual(['error']);
    expect(find(store, { context: 'Other' })).toEqual(['fatal']);
    expect(find(store, { to: now - 1_000 })).toEqual(['fatal']);
    expect(find(store, { from: now - 1_000, level: 'error' })).toEqual(['error']);
    expect(find(store, { service: 'unheard of' })).toEqual([]);
  });

  it.each([
    ['words in any order', 'refused connection', true],
    ['the beginning of a word', 'conn', true],
    ['a word of the fields', 'acme', true],
    ['the class', 'orderservice', true],
    ['an id with signs in it', 'order-1234', true],
    ['signs that are syntax elsewhere', '"NEAR(', false],
    ['an operator', 'connection AND NOT refused', false],
    ['a star', '* connection', true],
    ['a quote', 'connection "refused', true],
    ['a column', 'body:connection', false],
    ['words one of which is missing', 'connection accepted', false],
  ])('searches for %s', async (_, text, isFound) => {
    const store = await storeOf([
      { message: 'Connection to order-1234 refused', attributes: '{"tenant":"acme"}' },
      { message: 'something else', context: undefined },
    ]);
    expect(find(store, { text })).toEqual(isFound ? ['Connection to order-1234 refused'] : []);
  });

  it('finds by fields, together with words', async () => {
    const store = await storeOf([
      { message: 'one', attributes: '{"tenant":"acme","status":500}' },
      { message: 'two', attributes: '{"tenant":"acme","status":200}' },
      { message: 'three' },
    ]);
    const tenant = { key: 'tenant', value: 'acme' };
    expect(find(store, { fields: [tenant] })).toEqual(['two', 'one']);
    expect(find(store, { fields: [tenant, { key: 'status', value: '500' }] })).toEqual(['one']);
    expect(find(store, { fields: [tenant], text: 'two' })).toEqual(['two']);
  });

  it('finds the lines of a trace that is not in the store', async () => {
    const traceId = newTraceId();
    const store = await storeOf([
      { message: 'alone', traceId },
      { message: 'other', traceId: newTraceId() },
    ]);
    expect(find(store, { traceId })).toEqual(['alone']);
  });
});

/** A minute that is over; lines of long ago may be evicted. */
const begin = Math.floor(Date.now() / 60_000 - 5) * 60_000;

describe('the volume of logs', () => {
  it('counts each line once when there are more than one statement counts, also of one millisecond', async () => {
    const store = openTestStore();
    for (let index = 0; index < 12_000; index += 1) {
      store.addLog(logOf({ time: begin + (index < 6_000 ? 0 : index), level: index % 2 === 0 ? 30 : 50 }));
      // Its queue is bounded.
      if (index % 2_000 === 1_999) await store.flush();
    }
    await store.flush();
    const range = { from: begin, to: begin + 20_000, buckets: 20 };
    const { times, counts } = await store.ask((database) => countLogVolume(database, range));
    expect(times).toHaveLength(20);
    expect(counts.info?.[0]).toBe(3_000);
    expect(counts.info?.reduce((a, b) => a + b)).toBe(6_000);
    expect(counts.error?.reduce((a, b) => a + b)).toBe(6_000);
  });

  it('has bars that keep their place while the range moves, with lines of the range only', async () => {
    const store = openTestStore();
    for (const time of [begin, begin + 5_000]) store.addLog(logOf({ time }));
    await store.flush();
    const ask = (from: number) =>
      store.ask((database) => countLogVolume(database, { from, to: from + 40_000, buckets: 4 }));
    expect(await ask(begin)).toEqual({
      times: [0, 10_000, 20_000, 30_000].map((ms) => begin + ms),
      counts: { info: [2, 0, 0, 0] },
    });
    expect(await ask(begin + 2_000)).toEqual({
      times: [0, 10_000, 20_000, 30_000, 40_000].map((ms) => begin + ms),
      counts: { info: [1, 0, 0, 0, 0] },
    });
  });
});

const NOW = Date.now();

/** The answer, and how many rows a search has passed over or found in JavaScript, where each costs many times what it does in SQLite. */
function ask<T>(store: TelemetryStore, question: Question<T>): { readonly answer: T; readonly rows: number } {
  const { iterate } = Database.prototype;
  let rows = 0;
  jest.spyOn(Database.prototype, 'iterate').mockImplementation(function* <Row>(
    this: Database,
    ...given: Parameters<Database['iterate']>
  ): Iterable<Row> {
    for (const row of iterate.call(this, ...given) as Iterable<Row>) {
      rows += 1;
      yield row;
    }
  });
  const answer = store.read(question);
  return { answer, rows };
}

describe('rows that do not match', () => {
  afterEach(async () => {
    jest.restoreAllMocks();
    await cleanUp();
  });

  it('do not come to JavaScript when lines are searched by a field', async () => {
    const store = openTestStore();
    for (let index = 0; index < 3_000; index += 1)
      store.addLog(logOf({ time: NOW - index, attributes: `{"id":"${index % 1_000}"}` }));
    await store.flush();
    const { answer, rows } = ask(store, (database) =>
      findLogs(database, { fields: [{ key: 'id', value: '7' }] }),
    );
    expect(answer.items).toHaveLength(3);
    expect(answer.next).toBeUndefined();
    expect(rows).toBeLessThan(100);
  });

  it('do not come to JavaScript when a region is compared with the rest', async () => {
    const store = openTestStore();
    for (let index = 0; index < 6_000; index += 1)
      store.addSpan(
        spanOf({
          start: (NOW - 6_000 + index) * 1_000,
          duration: index % 3 === 0 ? 200_000 : 1_000,
          attributes: index % 3 === 0 ? '{"tenant":"slow"}' : '{"tenant":"fast"}',
        }),
      );
    await store.flush();
    const region = { from: NOW - 60_000, to: NOW + 1, minMs: 100 };
    const { answer, rows } = ask(store, (database) => rankSelection(database, region));
    expect([answer.selected, answer.others]).toEqual([200, 200]);
    expect(answer.attributes[0]).toMatchObject({
      key: 'tenant',
      value: 'slow',
      selectedShare: 1,
      otherShare: 0,
    });
    expect(rows).toBeLessThan(3_000);
    expect(store.read((database) => rankSelection(database, region))).toEqual(answer);
  });
});
