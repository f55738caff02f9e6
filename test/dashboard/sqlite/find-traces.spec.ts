import { type TraceFilter } from '../../../lib/dashboard/reader/telemetry-reader.interface.js';
import { findTraces } from '../../../lib/dashboard/sqlite/queries/find-traces.js';
import { readNews } from '../../../lib/dashboard/sqlite/queries/follow.js';
import { rankSelection } from '../../../lib/dashboard/sqlite/queries/rank-selection.js';
import { readTrace } from '../../../lib/dashboard/sqlite/queries/read-trace.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { logOf, newTraceId, resourceOf, spanOf } from './sample-rows.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await cleanUp();
});

const NOW = Date.now();

async function storeOf(spans: readonly StoredSpan[]): Promise<TelemetryStore> {
  const store = openTestStore();
  for (const span of spans) store.addSpan(span);
  await store.flush();
  return store;
}

const pageOf = (store: TelemetryStore, filter: TraceFilter = {}) =>
  store.read((database) => findTraces(database, filter));
const namesOf = (store: TelemetryStore, filter: TraceFilter = {}) =>
  pageOf(store, filter).items.map(({ name }) => name);

/** A trace with the given name that began so many seconds ago. */
const traceOf = (name: string, secondsAgo: number, more: Partial<StoredSpan> = {}) =>
  spanOf({ name, start: (NOW - secondsAgo * 1_000) * 1_000, ...more });

const childOf = (parent: StoredSpan, more: Partial<StoredSpan> = {}) =>
  spanOf({
    traceId: parent.traceId,
    parentHigh: parent.idHigh,
    parentLow: parent.idLow,
    kind: SPAN_KIND.internal,
    start: parent.start,
    method: undefined,
    route: undefined,
    outcome: undefined,
    ...more,
  });

describe('findTraces()', () => {
  it('gives the newest first, page by page, each once', async () => {
    const store = await storeOf(Array.from({ length: 25 }, (_, index) => traceOf(`t${index}`, index)));
    const names: string[] = [];
    let before: string | undefined;
    do {
      const page = pageOf(store, { limit: 10, before });
      names.push(...page.items.map(({ name }) => name));
      before = page.next;
    } while (before !== undefined);
    expect(names).toEqual(Array.from({ length: 25 }, (_, index) => `t${index}`));
  });

  it('finds by time and by duration', async () => {
    const store = await storeOf([
      traceOf('short', 10, { duration: 4_000 }),
      traceOf('long', 20, { duration: 400_000 }),
      traceOf('old', 200, { duration: 400_000 }),
    ]);
    expect(namesOf(store, { from: NOW - 100_000, to: NOW })).toEqual(['short', 'long']);
    expect(namesOf(store, { from: NOW - 100_000, minMs: 100 })).toEqual(['long']);
    expect(namesOf(store, { maxMs: 5 })).toEqual(['short']);
  });

  it('finds by a service that took part, and by a route that was entered further down', async () => {
    const gateway = traceOf('GET /', 1, { resource: resourceOf('gateway'), route: '/' });
    const store = await storeOf([
      gateway,
      childOf(gateway, {
        kind: SPAN_KIND.server,
        resource: resourceOf('orders'),
        method: 'POST',
        route: '/orders',
      }),
      traceOf('other', 2, { resource: resourceOf('other'), route: '/' }),
    ]);
    expect(namesOf(store, { service: 'orders' })).toEqual(['GET /']);
    expect(namesOf(store, { route: '/orders' })).toEqual(['GET /']);
    expect(namesOf(store, { route: '/' })).toEqual(['GET /', 'other']);
    expect(namesOf(store, { route: '/', service: 'other' })).toEqual(['other']);
    expect(namesOf(store, { route: '/orders', method: 'GET' })).toEqual([]);
    expect(namesOf(store, { service: 'unheard of' })).toEqual([]);
  });

  it('gives the traces of a route that several services have in one order, page by page', async () => {
    const store = await storeOf(
      Array.from({ length: 20 }, (_, index) =>
        traceOf(`t${index}`, index, {
          route: '/same',
          resource: resourceOf(index % 2 === 0 ? 'even' : 'odd'),
        }),
      ),
    );
    const first = pageOf(store, { route: '/same', limit: 12 });
    const second = pageOf(store, { route: '/same', limit: 12, before: first.next });
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(
      Array.from({ length: 20 }, (_, index) => `t${index}`),
    );
  });

  it('finds by how it ended', async () => {
    const store = await storeOf([
      traceOf('fine', 1),
      traceOf('missing', 2, { outcome: '404' }),
      traceOf('failed', 3, { outcome: '503', status: SPAN_STATUS.error }),
    ]);
    expect(namesOf(store, { status: 'error' })).toEqual(['failed']);
    expect(namesOf(store, { status: 'ok' })).toEqual(['fine', 'missing']);
    expect(namesOf(store, { status: '404' })).toEqual(['missing']);
    expect(namesOf(store, { status: '5xx' })).toEqual(['failed']);
  });

  it('finds by attributes of any span, whatever their type and their name', async () => {
    const one = traceOf('one', 1, { attributes: '{"tenant.id":"acme","retry":true,"count":42}' });
    const two = traceOf('two', 2, { attributes: '{"tenant.id":"acme corp"}' });
    const store = await storeOf([one, childOf(one, { attributes: '{"odd \\"key\\"":"50% _"}' }), two]);
    const find = (key: string, value: string) => namesOf(store, { attributes: [{ key, value }] });
    expect(find('tenant.id', 'acme')).toEqual(['one']);
    expect([find('retry', 'true'), find('count', '42'), find('count', '4')]).toEqual([['one'], ['one'], []]);
    expect(find('tenant', 'acme')).toEqual([]);
    expect(find("'; DROP TABLE spans; --", 'x')).toEqual([]);
  });

  it('finds by text in names, attributes and messages, and by trace id', async () => {
    const one = traceOf('one', 1, { status: SPAN_STATUS.error, statusMessage: 'Connection refused' });
    const two = traceOf('two', 2, { attributes: '{"note":"100% sure_thing"}' });
    const store = await storeOf([one, two, childOf(two, { name: 'SELECT users' })]);
    expect(namesOf(store, { text: 'connection' })).toEqual(['one']);
    expect(namesOf(store, { text: 'select USERS' })).toEqual(['two']);
    expect(namesOf(store, { text: '100% sure_' })).toEqual(['two']);
    expect(namesOf(store, { text: '%' })).toEqual(['two']);
    expect(namesOf(store, { text: one.traceId.toUpperCase() })).toEqual(['one']);
  });

  it('says where to go on when looking took too long', async () => {
    const spans = Array.from({ length: 2_000 }, (_, index) => traceOf('t', index / 1_000));
    spans.push(traceOf('wanted', 100, { attributes: '{"text":"needle"}' }));
    const store = await storeOf(spans);
    // A slow machine: each look at the clock is later by more than a turn may take.
    let now = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 20));
    const found: string[] = [];
    let pages = 0;
    let before: string | undefined;
    do {
      const page = pageOf(store, { text: 'needle', before });
      found.push(...page.items.map(({ name }) => name));
      before = page.next;
      pages += 1;
    } while (before !== undefined);
    expect(found).toEqual(['wanted']);
    expect(pages).toBeGreaterThan(1);
  });
});

describe('readTrace()', () => {
  it('gives the lines of the trace with it, in their order, and of no other', async () => {
    const traceId = newTraceId();
    const store = openTestStore();
    store.addSpan(traceOf('GET /', 5, { traceId }));
    // The same last 48 bits.
    store.addLog(logOf({ traceId: `${'0'.repeat(20)}${traceId.slice(20)}`, time: NOW - 4_990 }));
    store.addLog(logOf({ traceId, message: 'second', time: NOW - 4_900, spanId: '00000000000000ab' }));
    store.addLog(logOf({ traceId, message: 'first', time: NOW - 4_950 }));
    await store.flush();
    const trace = store.read((database) => readTrace(database, traceId));
    expect(trace?.logs.map(({ message, spanId }) => [message, spanId])).toEqual([
      ['first', undefined],
      ['second', '00000000000000ab'],
    ]);
  });

  it('knows no trace by what is no id', async () => {
    const store = await storeOf([]);
    expect(store.read((database) => readTrace(database, "' OR 1=1"))).toBeUndefined();
    expect(store.read((database) => readTrace(database, newTraceId()))).toBeUndefined();
  });
});

describe('the number of all traces that match', () => {
  it('is there for a time and for those that failed, on the first page only', async () => {
    const store = await storeOf(
      Array.from({ length: 30 }, (_, index) => traceOf('GET /', index, { status: index % 3 === 0 ? 2 : 0 })),
    );
    const totalOf = (filter: TraceFilter) => store.read((database) => findTraces(database, filter)).total;
    expect(totalOf({ limit: 5 })).toBe(30);
    expect(totalOf({ limit: 5, status: 'error' })).toBe(10);
    expect(totalOf({ limit: 5, to: NOW - 60_000 })).toBe(0);
    expect(totalOf({ limit: 5, minMs: 1 })).toBeUndefined();
    const { next } = store.read((database) => findTraces(database, { limit: 5 }));
    expect(totalOf({ limit: 5, before: next })).toBeUndefined();
  });
});

describe('rankSelection()', () => {
  it('ranks what the selected traces have and the others have not', async () => {
    const spans = Array.from({ length: 200 }, (_, index) => {
      const slow = index % 10 === 0;
      return traceOf('GET /', index / 10, {
        route: '/',
        duration: slow ? 300_000 : 5_000,
        attributes: JSON.stringify({
          tenant: slow ? 'acme' : `t${index % 3}`,
          region: 'eu',
          id: `id-${index}`,
        }),
      });
    });
    const store = await storeOf(spans);
    const answer = store.read((database) =>
      rankSelection(database, { from: NOW - 60_000, to: NOW + 1, minMs: 100, service: 'orders', route: '/' }),
    );
    expect([answer.selected, answer.others]).toEqual([20, 180]);
    expect(answer.attributes).toEqual([
      { key: 'tenant', value: 'acme', selectedShare: 1, otherShare: 0, alike: [] },
    ]);
    expect(answer.traces).toHaveLength(20);
  });
});

describe('readNews()', () => {
  it('gives what was written since, and nothing twice', async () => {
    const store = await storeOf([traceOf('before', 3)]);
    const start = store.read((database) => readNews(database, undefined)).position;
    expect(store.read((database) => readNews(database, start))).toMatchObject({ traces: [], logs: [] });
    const span = traceOf('after', 1);
    store.addSpan(span);
    store.addLog(logOf({ message: 'a line' }));
    await store.flush();
    const news = store.read((database) => readNews(database, start));
    expect(news.traces.map(({ name }) => name)).toEqual(['after']);
    expect(news.logs.map(({ message }) => message)).toEqual(['a line']);
    expect(store.read((database) => readNews(database, news.position))).toMatchObject({
      traces: [],
      logs: [],
    });
    store.addSpan(childOf(span));
    await store.flush();
    const more = store.read((database) => readNews(database, news.position));
    expect(more.traces.map(({ name, spanCount }) => [name, spanCount])).toEqual([['after', 2]]);
  });
});
