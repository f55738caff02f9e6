import { type LogFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { findLogs } from '../../../lib/dashboard/sqlite/queries/find-logs.js';
import { type StoredLog } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { logOf, newTraceId, resourceOf } from './sample-rows.js';

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
