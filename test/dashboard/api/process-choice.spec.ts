import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { serveDashboard,type ServedDashboard } from '../serve-dashboard.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';

const MINUTE = 60_000;
const PAST = Math.floor(Date.now() / MINUTE - 5) * MINUTE;
const TIME = `from=${PAST}&to=${PAST + 4 * MINUTE}`;

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

/** A version of `orders` as OTLP has it. */
const resource = (version: string, environment: string, instance: string) => ({
  attributes: [
    text('service.name', 'orders'),
    text('service.version', version),
    text('deployment.environment', environment),
    text(instance.startsWith('host') ? 'host.name' : 'service.instance.id', instance),
  ],
});

describe('addresses that are asked about some processes', () => {
  let store: TelemetryStore;
  let dashboard: ServedDashboard;
  let ids = 0;

  const send = async (version: string, environment: string, instance: string, requests: number) => {
    const of = resource(version, environment, instance);
    const spans = Array.from({ length: requests }, () => {
      const id = (ids += 1).toString(16);
      return {
        traceId: id.padStart(32, '1'),
        spanId: id.padStart(16, '2'),
        name: 'GET /orders',
        kind: 2,
        startTimeUnixNano: `${PAST + ids * 1_000}000000`,
        endTimeUnixNano: `${PAST + ids * 1_000 + 10}000000`,
        attributes: [text('http.request.method', 'GET'), text('http.route', '/orders')],
        status: { code: 2, message: `broken ${instance}` },
      };
    });
    await dashboard.otlp('traces', { resourceSpans: [{ resource: of, scopeSpans: [{ spans }] }] });
    const logRecords = [
      { timeUnixNano: `${PAST + 1_000}000000`, severityNumber: 9, body: { stringValue: `line of ${instance}` } },
    ];
    await dashboard.otlp('logs', { resourceLogs: [{ resource: of, scopeLogs: [{ logRecords }] }] });
  };
  const get = async (path: string): Promise<unknown> => {
    const { status, body } = await dashboard.api(path);
    expect([path, status]).toEqual([path, 200]);
    return body;
  };

  beforeAll(async () => {
    store = openTestStore();
    dashboard = await serveDashboard(store);
    await send('1.0', 'production', 'one', 3);
    await send('2.0', 'production', 'two', 2);
    await send('2.0', 'staging', 'host-three', 1);
    await store.flush();
  });
  afterAll(async () => {
    await dashboard.close();
    await cleanUp();
  });

  it('are offered what there is to choose', async () => {
    expect(await get(`processes/values?${TIME}`)).toEqual({
      versions: ['1.0', '2.0'],
      environments: ['production', 'staging'],
      processes: ['host-three', 'one', 'two'],
    });
  });

  it.each([
    ['version=2.0', 3],
    ['environment=production', 5],
    ['process=one', 3],
    ['process=host-three', 1],
    ['version=2.0&environment=production', 2],
    ['version=3.0', 0],
  ])('count what is chosen by %s', async (choice, requests) => {
    const asked = `${TIME}&${choice}`;
    const [services, routes, trends, operations, traces, errors, map] = (await Promise.all(
      ['services', 'routes', 'trends', 'operations', 'traces', 'errors', 'map'].map((path) =>
        get(`${path}?${asked}`),
      ),
    )) as [
      { count: number }[],
      { count: number }[],
      { routes: { p95: (number | null)[] }[] },
      { operations: { count: number }[] },
      { items: unknown[] },
      { errors: { count: number }[] },
      { traces: number },
    ];
    const sum = (counts: readonly { readonly count: number }[]): number =>
      counts.reduce((total, { count }) => total + count, 0);
    const none = { service: requests, route: requests };
    expect({ service: sum(services), route: sum(routes) }).toEqual(none);
    expect(trends.routes.length).toBe(Math.min(1, requests));
    expect(sum(operations.operations)).toBe(requests);
    expect(sum(errors.errors)).toBe(requests);
    expect([traces.items.length, map.traces]).toEqual([requests, requests]);
  });

  it('list the log lines, and count them', async () => {
    const { items } = (await get(`logs?${TIME}&version=2.0`)) as { items: { message: string }[] };
    expect(items.map(({ message }) => message).sort()).toEqual(['line of host-three', 'line of two']);
    const volume = (await get(`logs/volume?${TIME}&process=one`)) as { counts: { info: number[] } };
    expect(volume.counts.info.reduce((a, b) => a + b, 0)).toBe(1);
  });

  it('say that metrics of the embedded store are those of all processes', async () => {
    expect(await get('health')).toMatchObject({ features: { processMetrics: false } });
  });

  it('refuse what no version is called', async () => {
    const { status, body } = await dashboard.api(`services?${TIME}&version=${'x'.repeat(1_001)}`);
    expect([status, (body as { error: { message: string } }).error.message]).toEqual([
      400,
      'version is longer than 1000 characters.',
    ]);
  });
});
