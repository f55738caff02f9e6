import { findTraces } from '../../../lib/dashboard/sqlite/queries/find-traces.js';
import { readStore } from '../../../lib/dashboard/sqlite/queries/read-store.js';
import { readTrace } from '../../../lib/dashboard/sqlite/queries/read-trace.js';
import { SPAN_KIND, SPAN_STATUS } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { cleanUp, openTestStore } from './open-test-store.js';
import { logOf, newSpanId, newTraceId, resourceOf, spanOf } from './sample-rows.js';

afterEach(cleanUp);

const high = (id: string) => Number.parseInt(id.slice(0, 8), 16) | 0;
const low = (id: string) => Number.parseInt(id.slice(8), 16) | 0;

describe('spans in the store', () => {
  it('come back as they were given', async () => {
    const store = openTestStore();
    const traceId = newTraceId();
    const [root, child] = [newSpanId(), newSpanId()];
    const start = 1_790_000_000_000_123;
    store.addSpan(
      spanOf({
        traceId,
        spanId: child,
        parentHigh: high(root),
        parentLow: low(root),
        name: 'SELECT users',
        kind: SPAN_KIND.client,
        start: start + 1_000,
        duration: 1_500,
        status: SPAN_STATUS.error,
        statusMessage: 'connection refused',
        attributes: '{"db.system.name":"postgresql","rows":3,"cached":false}',
        events: '[{"name":"exception","time":1790000000001.5,"attributes":{"exception.type":"Error"}}]',
        links: `[{"traceId":"${newTraceId()}","spanId":"${root}","attributes":{}}]`,
        method: undefined,
        route: undefined,
        outcome: undefined,
      }),
    );
    store.addSpan(spanOf({ traceId, spanId: root, start, duration: 4_250 }));
    await store.flush();

    const trace = store.read((database) => readTrace(database, traceId))!;
    expect(trace.summary).toEqual({
      traceId,
      name: 'GET /orders/:id',
      service: 'orders',
      route: '/orders/:id',
      status: '200',
      start: start / 1_000,
      durationMs: 4.25,
      spanCount: 2,
      errorCount: 1,
      services: ['orders'],
      pinned: true,
    });
    expect(trace.spans.map(({ spanId }) => spanId)).toEqual([root, child]);
    expect(trace.spans[1]).toMatchObject({
      traceId,
      parentSpanId: root,
      service: 'orders',
      scope: 'test',
      name: 'SELECT users',
      kind: 'client',
      start: (start + 1_000) / 1_000,
      durationMs: 1.5,
      status: 'error',
      statusMessage: 'connection refused',
      attributes: { 'db.system.name': 'postgresql', rows: 3, cached: false },
      events: [{ name: 'exception', time: 1_790_000_000_001.5, attributes: { 'exception.type': 'Error' } }],
      links: [{ spanId: root, attributes: {} }],
    });
  });

  it('make one trace of what several services and batches bring, in any order', async () => {
    const store = openTestStore();
    const traceId = newTraceId();
    const [outer, inner] = [newSpanId(), newSpanId()];
    const start = Date.now() * 1_000;
    store.addSpan(
      spanOf({
        traceId,
        resource: resourceOf('worker'),
        spanId: inner,
        parentHigh: high(outer),
        parentLow: low(outer),
        name: 'POST /jobs',
        method: 'POST',
        route: '/jobs',
        start: start + 2_000,
        duration: 1_000,
        outcome: '201',
      }),
    );
    await store.flush();
    const early = store.read((database) => readTrace(database, traceId))!.summary;
    expect([early.name, early.service, early.route]).toEqual(['POST /jobs', 'worker', '/jobs']);

    store.addSpan(
      spanOf({
        traceId,
        resource: resourceOf('gateway'),
        spanId: outer,
        start,
        duration: 9_000,
        name: 'GET /',
        route: '/',
      }),
    );
    await store.flush();
    const { summary } = store.read((database) => readTrace(database, traceId))!;
    expect(summary).toMatchObject({
      name: 'GET /',
      service: 'gateway',
      route: '/',
      durationMs: 9,
      spanCount: 2,
    });
    expect([...summary.services].sort()).toEqual(['gateway', 'worker']);
  });

  it('count in the numbers of the store', async () => {
    const store = openTestStore();
    for (let index = 0; index < 250; index += 1) store.addSpan(spanOf());
    store.addLog(logOf());
    await store.flush();
    expect(store.read(readStore)).toMatchObject({ spans: 250, logs: 1, evicted: 0, dropped: 0 });
  });

  it('are shown without what is no JSON', async () => {
    const store = openTestStore();
    store.addSpan(spanOf({ attributes: 'nonsense', events: 'nonsense' }));
    await store.flush();
    const [found] = store.read((database) => findTraces(database)).items;
    expect(store.read((database) => readTrace(database, found!.traceId))!.spans[0]).toMatchObject({
      attributes: {},
      events: [],
    });
  });
});
