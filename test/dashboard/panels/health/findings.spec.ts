import {
  configureTelemetry,
  getTelemetry,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';

import { type TelemetryStore } from '../../../../lib/dashboard/sqlite/store.js';
import { type Finding } from '../../../../lib/doctor/finding.js';
import { resetWarnings, setWarningSink } from '../../../../lib/errors/warnings.js';
import { currentRuntime } from '../../../../lib/runtime/sdk-runtime.js';
import { freePort } from '../../../support/free-port.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';

/** One span; times in milliseconds from `NOW`. */
interface Made {
  readonly trace?: string;
  readonly id: string;
  readonly parent?: string;
  readonly service: string;
  readonly kind: 'server' | 'client';
  readonly at: number;
  readonly ms: number;
  readonly scope?: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

const NOW = Date.now() - 60_000;
const KINDS = { server: 2, client: 3 };

const request = (path: string, port = 3001) => ({
  'http.request.method': 'GET',
  'server.address': 'billing.internal',
  'server.port': port,
  'url.path': path,
});
const call = (path: string, port = 3001) => ({
  'http.request.method': 'GET',
  'server.address': 'billing.internal',
  'server.port': port,
  'url.full': `http://billing.internal:${port}${path}?page=2`,
});

describe('findings about telemetry', () => {
  let store: TelemetryStore;
  let dashboard: ServedDashboard;
  let telemetry: TelemetryHandle | undefined;

  beforeEach(async () => {
    resetWarnings();
    store = openTestStore();
    dashboard = await serveDashboard(store);
  });
  afterEach(async () => {
    await telemetry?.shutdown();
    telemetry = undefined;
    await dashboard.close();
    await cleanUp();
  });

  const send = async (...spans: Made[]): Promise<void> => {
    const { status } = await dashboard.otlp('traces', {
      resourceSpans: spans.map(
        ({ trace = 'a', id, parent, service, kind, at, ms, scope = 's', attributes = {} }) => ({
          resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
          scopeSpans: [
            {
              scope: { name: scope },
              spans: [
                {
                  traceId: trace.repeat(32),
                  spanId: id.repeat(16),
                  ...(parent !== undefined && { parentSpanId: parent.repeat(16) }),
                  name: kind === 'server' ? 'GET /invoices' : 'GET',
                  kind: KINDS[kind],
                  startTimeUnixNano: `${NOW + at}000000`,
                  endTimeUnixNano: `${NOW + at + ms}000000`,
                  attributes: Object.entries(attributes).map(([key, value]) => ({
                    key,
                    value: typeof value === 'string' ? { stringValue: value } : { intValue: value },
                  })),
                },
              ],
            },
          ],
        }),
      ),
    });
    expect(status).toBe(200);
    await store.flush();
  };
  const findings = async (): Promise<readonly Finding[]> => {
    const { status, body } = await dashboard.api('health/findings');
    expect(status).toBe(200);
    return body as readonly Finding[];
  };
  const inProcess = (options: TelemetryOptions): void => {
    telemetry = configureTelemetry({
      serviceName: 'orders',
      store: false,
      dashboard: false,
      instrumentation: { runtimeMetrics: false, sdkMetrics: false },
      shutdownTimeoutMs: 200,
      ...options,
    });
    setWarningSink(() => undefined);
  };

  it('are none where nothing is stored, and none of a healthy call', async () => {
    expect(await findings()).toEqual([]);
    await send(
      { id: '1', service: 'orders', kind: 'server', at: 0, ms: 100 },
      {
        id: '2',
        parent: '1',
        service: 'orders',
        kind: 'client',
        at: 10,
        ms: 80,
        attributes: call('/invoices'),
      },
      {
        id: '3',
        parent: '2',
        service: 'billing',
        kind: 'server',
        at: 20,
        ms: 60,
        attributes: request('/invoices'),
      },
      // A caller of another trace, and its own request that begins one.
      {
        trace: 'b',
        id: '4',
        service: 'billing',
        kind: 'server',
        at: 20,
        ms: 60,
        attributes: request('/health'),
      },
    );
    expect(await findings()).toEqual([]);
  });

  it('name a service whose clock is behind, with the most that was seen', async () => {
    await send(
      { id: '1', service: 'orders', kind: 'client', at: 0, ms: 100 },
      { id: '2', parent: '1', service: 'billing', kind: 'server', at: -9_000, ms: 60 },
    );
    expect(await findings()).toEqual([
      {
        check: 'traces of the last 15 minutes',
        verdict: 'warning',
        finding: 'has clocks that differ.',
        evidence: 'the clock of billing is behind orders by at least 9000 ms',
        remedy: 'Synchronise the clocks of the machines (NTP).',
      },
    ]);
  });

  it('name the call whose request begins another trace, and not one to another port, path or time', async () => {
    await send(
      { id: '1', service: 'orders', kind: 'client', at: 0, ms: 100, attributes: call('/invoices') },
      {
        trace: 'b',
        id: '2',
        service: 'billing',
        kind: 'server',
        at: 20,
        ms: 60,
        attributes: request('/invoices'),
      },
      {
        trace: 'c',
        id: '3',
        service: 'orders',
        kind: 'client',
        at: 0,
        ms: 100,
        attributes: call('/a', 3002),
      },
      {
        trace: 'd',
        id: '4',
        service: 'billing',
        kind: 'server',
        at: 20,
        ms: 60,
        attributes: request('/b', 3002),
      },
      { trace: 'e', id: '5', service: 'orders', kind: 'client', at: 0, ms: 100, attributes: call('/late') },
      {
        trace: 'f',
        id: '6',
        service: 'billing',
        kind: 'server',
        at: 30_000,
        ms: 60,
        attributes: request('/late'),
      },
    );
    expect(await findings()).toMatchObject([
      {
        finding: 'calls begin a new trace on the other side.',
        evidence: 'orders to billing: GET /invoices (1 times)',
      },
    ]);
  });

  it('name two instrumentations that record the same request', async () => {
    const attributes = request('/invoices');
    await send(
      {
        id: '1',
        service: 'billing',
        kind: 'server',
        at: 0,
        ms: 100,
        attributes,
        scope: 'instrumentation-http',
      },
      { id: '2', parent: '1', service: 'billing', kind: 'server', at: 1, ms: 90, attributes, scope: 'ours' },
    );
    expect(await findings()).toMatchObject([
      {
        finding: 'requests have two spans.',
        evidence: 'GET /invoices of billing: by instrumentation-http and ours',
      },
    ]);
  });

  it('name an instrument near its limit of series before measurements are lost, and one that has reached it', async () => {
    inProcess({ cardinalityLimit: 10 });
    const counter = getTelemetry('orders').counter('orders_total');
    for (let user = 0; user < 6; user += 1) counter.add(1, { user });
    expect(await findings()).toEqual([]);
    counter.add(1, { user: 6 });
    counter.add(1, { user: 7 });
    expect(await findings()).toMatchObject([
      { check: 'series', finding: 'orders_total is near its limit of series.', evidence: '8 of 10' },
    ]);
    for (let user = 8; user < 20; user += 1) counter.add(1, { user });
    expect(await findings()).toMatchObject([
      {
        finding: 'orders_total has reached its limit of series.',
        evidence: 'limit 10, user has 9 values, 11 measurements in the overflow series',
      },
    ]);
  });

  it('name an exporter that nothing has left', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    inProcess({ otlpEndpoint: endpoint, enablePrometheus: false });
    getTelemetry('orders').trace('work', () => undefined);
    await telemetry?.flush({ timeoutMs: 500 });
    expect(await findings()).toMatchObject([
      {
        check: `traces to ${endpoint}/v1/traces (OTLP http/protobuf)`,
        verdict: 'fault',
        evidence: expect.stringContaining('ECONNREFUSED') as string,
      },
    ]);
  });

  it('name a Prometheus that has come regularly and stays away, and no person who has looked', async () => {
    inProcess({});
    const { prometheus } = currentRuntime()!;
    const clock = jest.spyOn(performance, 'now');
    const scrapeAt = async (seconds: number, accept?: string): Promise<void> => {
      clock.mockReturnValue(seconds * 1_000);
      await prometheus!.render(accept);
    };
    try {
      for (let visit = 0; visit < 6; visit += 1) await scrapeAt(visit);
      const accept = 'application/openmetrics-text;version=1.0.0';
      for (let scrape = 0; scrape < 5; scrape += 1) await scrapeAt(100 + scrape * 15, accept);
      clock.mockReturnValue(200_000);
      expect(await findings()).toEqual([]);
      clock.mockReturnValue(260_000);
      expect(await findings()).toMatchObject([
        {
          finding: 'nothing scrapes the metrics any more.',
          evidence: '5 scrapes, one in 15 s, the last 100 s ago',
        },
      ]);
    } finally {
      clock.mockRestore();
    }
  });
});
