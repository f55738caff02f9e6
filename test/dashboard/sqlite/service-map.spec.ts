import { findServiceMap } from '../../../lib/dashboard/sqlite/queries/service-map.js';
import { SPAN_KIND, type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { newTraceId, resourceOf, spanOf } from './sample-rows.js';

/** Long enough ago for all spans to be over. */
const begin = Date.now() - 600_000;

afterEach(cleanUp);

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
