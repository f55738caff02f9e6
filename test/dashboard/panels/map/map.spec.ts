import { type ServiceMapAnswer } from '../../../../lib/dashboard/reader/answers/service-map.interface.js';
import { SPAN_KIND } from '../../../../lib/dashboard/sqlite/rows.interface.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { spanOf } from '../../sqlite/sample-rows.js';

let served: ServedDashboard;
beforeEach(async () => {
  const store = openTestStore();
  const root = spanOf();
  const call = {
    traceId: root.traceId,
    parentHigh: root.idHigh,
    parentLow: root.idLow,
    kind: SPAN_KIND.client,
  };
  for (const address of ['users', 'stock'])
    store.addSpan(spanOf({ ...call, route: undefined, attributes: `{"server.address":"${address}"}` }));
  store.addSpan(root);
  await store.flush();
  served = await serveDashboard(store);
});
afterEach(async () => {
  await served.close();
  await cleanUp();
});

describe('GET map', () => {
  it('is the map of the last 15 minutes, or of one service with the edges that have the most calls', async () => {
    const { status, body } = await served.api('map');
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: 3, traces: 1, spans: 3, complete: true });
    const least = (await served.api('map?service=orders&limit=1')).body as ServiceMapAnswer;
    expect(least.edges).toHaveLength(1);
    expect(least.total).toBe(3);
    expect((await served.api('map?service=other')).body).toMatchObject({ nodes: [], edges: [], total: 0 });
    expect((await served.api('map?from=1000&to=2000')).body).toMatchObject({ nodes: [], traces: 0 });
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'from=2&to=1', 'from=x', `service=${'x'.repeat(1_001)}`])(
    'refuses %.20s with the reason',
    async (query) => {
      const { status, body } = await served.api(`map?${query}`);
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain(query.slice(0, query.indexOf('=')));
    },
  );
});
