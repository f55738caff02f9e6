import { type FieldAnswer } from '../../../../lib/dashboard/panels/fields/query.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { spanOf } from '../../sqlite/sample-rows.js';

const NOW = Date.now();
/** More than is read of all traces together. */
const TOO_MANY = 20_001;

let served: ServedDashboard | undefined;
afterEach(async () => {
  await served?.close();
  await cleanUp();
});

describe('the fields of the dashboard', () => {
  it('are those of the latest traces, without one that has too many spans', async () => {
    const store = openTestStore();
    const small = spanOf({ start: (NOW - 1_000) * 1_000, attributes: '{"user_id":"ada"}' });
    const huge = spanOf({ start: NOW * 1_000, attributes: '{"job":"import"}' });
    const { traceId, idHigh: parentHigh, idLow: parentLow } = huge;
    for (const span of [small, huge]) store.addSpan(span);
    for (let count = 1; count < TOO_MANY; count += 1) {
      store.addSpan(spanOf({ start: NOW * 1_000, traceId, parentHigh, parentLow, attributes: '{"line":1}' }));
      if (count % 1_000 === 0) await store.flush();
    }
    await store.flush();
    served = await serveDashboard(store);
    const { status, body } = await served.api('fields?of=traces');
    expect(status).toBe(200);
    expect(body as readonly FieldAnswer[]).toEqual([{ key: 'user_id', values: ['ada'] }]);
  });
});
