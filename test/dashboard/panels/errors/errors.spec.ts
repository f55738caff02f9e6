import { type ErrorsAnswer } from '../../../../lib/dashboard/panels/errors/query.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../../../../lib/dashboard/sqlite/rows.interface.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { spanOf } from '../../sqlite/sample-rows.js';

const NOW = Date.now();

let served: ServedDashboard | undefined;
afterEach(async () => {
  await served?.close();
  await cleanUp();
});

/** A failed request, and the span inside of it in which the failure began. */
function failureOf(
  secondsAgo: number,
  message: string,
  more: Partial<StoredSpan> = {},
): readonly StoredSpan[] {
  const time = NOW - secondsAgo * 1_000;
  const events = JSON.stringify([
    {
      name: 'exception',
      time,
      attributes: { 'exception.type': 'StockError', 'exception.message': message },
    },
  ]);
  const failed = { status: SPAN_STATUS.error, start: time * 1_000, events };
  const request = spanOf({ ...failed, name: 'request', outcome: '500', ...more });
  const { traceId, idHigh: parentHigh, idLow: parentLow } = request;
  const inner = {
    traceId,
    parentHigh,
    parentLow,
    kind: SPAN_KIND.internal,
    route: undefined,
    method: undefined,
  };
  return [request, spanOf({ ...failed, name: 'inner', outcome: undefined, ...inner })];
}

async function errorsOf(spans: readonly StoredSpan[], query = ''): Promise<ErrorsAnswer> {
  const store = openTestStore();
  for (const span of spans) store.addSpan(span);
  await store.flush();
  served = await serveDashboard(store);
  const { status, body } = await served.api(`errors?from=${NOW - 600_000}&to=${NOW + 1}${query}`);
  expect(status).toBe(200);
  return body as ErrorsAnswer;
}

describe('the errors of the dashboard', () => {
  it('are grouped by type, kind of message and route, newest first, each once a trace', async () => {
    const old = failureOf(60, 'No stock of "pen" (4 wanted)');
    const fresh = failureOf(30, 'No stock of "book" (12 wanted)');
    const { groups, traces, complete } = await errorsOf([
      ...old,
      ...fresh,
      ...failureOf(20, 'Locked'),
      ...failureOf(10, 'Locked', { route: '/jobs' }),
      spanOf({ start: NOW * 1_000 }),
    ]);
    expect({ traces, complete }).toEqual({ traces: 4, complete: true });
    expect(groups.map(({ type, message, route, count }) => [type, message, route, count])).toEqual([
      ['StockError', 'Locked', '/jobs', 1],
      ['StockError', 'Locked', '/orders/:id', 1],
      ['StockError', 'No stock of "book" (12 wanted)', '/orders/:id', 2],
    ]);
    expect(groups[2]).toMatchObject({
      service: 'orders',
      firstSeen: NOW - 60_000,
      lastSeen: NOW - 30_000,
      traceId: fresh[0]!.traceId,
    });
  });

  it('are counted where a span failed without an exception', async () => {
    const { groups } = await errorsOf([
      spanOf({
        start: NOW * 1_000,
        status: SPAN_STATUS.error,
        attributes: '{"error.type":"503"}',
        statusMessage: 'Service Unavailable',
      }),
    ]);
    expect(groups).toMatchObject([{ type: '503', message: 'Service Unavailable', count: 1 }]);
  });

  it('are none where nothing failed, and of the service that is asked for', async () => {
    expect(await errorsOf(failureOf(1, 'x'), '&service=users')).toEqual({
      groups: [],
      traces: 0,
      complete: true,
    });
  });
});
