import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

import { type ClickHouseConfig } from '../../lib/config/clickhouse.js';
import {
  type ClosableReader,
  createClickHouseReader,
} from '../../lib/dashboard/clickhouse/clickhouse-reader.js';
import { clickHousePartsOf, Dashboard } from '../../lib/dashboard/dashboard.js';
import { describeTelemetryReader } from '../dashboard/reader/contract.js';
import { childOf, lineOf, newTraceId, requestOf } from '../dashboard/reader/telemetry.js';
import { describeWith } from './backend-processes.js';
import { readerForContract, writeAsExporter } from './clickhouse-rows.js';
import { ClickHouseServer } from './clickhouse-server.js';
import { readStatements } from './grafana-queries.js';

// The contract asks one engine thousands of questions, one after the other.
jest.setTimeout(300_000);

describeWith('clickhouse', 'a real ClickHouse', (folder) => {
  let server: ClickHouseServer;

  beforeAll(async () => {
    server = await ClickHouseServer.start(folder);
  });
  afterAll(() => server.stop());

  describeTelemetryReader(
    'ClickHouse',
    async () => {
      await server.clear();
      return readerForContract(server);
    },
    { live: false, types: false },
  );

  describe('with what the contract has no word for', () => {
    const MINUTE = 60_000;
    /** The begin of a minute that is over. */
    const past = Math.floor(Date.now() / MINUTE - 5) * MINUTE;
    const range = { from: past, to: past + 4 * MINUTE, buckets: 4 };
    let reader: ClosableReader;
    beforeEach(async () => {
      await server.clear();
      reader = createClickHouseReader(server.config());
    });
    afterEach(() => {
      reader.close();
    });

    const report = (second: number, more: object) => ({
      ServiceName: 'orders',
      ResourceAttributes: { 'service.name': 'orders', 'service.instance.id': 'a' },
      ScopeName: 'test',
      MetricName: 'orders',
      MetricUnit: '1',
      Attributes: {},
      StartTimeUnix: past / 1_000 - 86_400,
      TimeUnix: past / 1_000 + second,
      AggregationTemporality: 2,
      IsMonotonic: true,
      ...more,
    });
    const chart = async () => {
      const [instrument] = await reader.instruments('orders');
      return (await reader.chart({ ...range, instrument: instrument!.id }))!;
    };

    it('draws a counter that counts since the start of its process by what was added, of each process', async () => {
      const other = { ResourceAttributes: { 'service.name': 'orders', 'service.instance.id': 'b' } };
      await server.insert('otel_metrics_sum', [
        report(-30, { Value: 1_000 }),
        report(30, { Value: 1_060 }),
        report(90, { Value: 1_180 }),
        // The process has begun again; what it did before is not subtracted.
        report(150, { Value: 30, StartTimeUnix: past / 1_000 + 130 }),
        report(30, { Value: 5_000, ...other }),
        report(90, { Value: 5_060, ...other }),
      ]);
      expect((await chart()).series).toEqual([{ label: '', values: [1, 3, 0.5, 0] }]);
    });

    it('draws a histogram that counts since the start of its process by what was added', async () => {
      const boundaries = { ExplicitBounds: [1, 2], Min: 0.1, Max: 9 };
      await server.insert('otel_metrics_histogram', [
        report(-30, { ...boundaries, BucketCounts: [1_000, 0, 0], Count: 1_000, Sum: 500 }),
        report(30, { ...boundaries, BucketCounts: [1_000, 100, 0], Count: 1_100, Sum: 650 }),
        report(90, { ...boundaries, BucketCounts: [1_100, 100, 0], Count: 1_200, Sum: 700 }),
      ]);
      const [p50] = (await chart()).series;
      expect([p50!.min![0], p50!.max![0]]).toEqual([1, 2]);
      expect(p50!.max![1]).toBe(1);
      expect(p50!.values.slice(2)).toEqual([null, null]);
    });

    it('leads from a metric to traces by its exemplars, failed ones among them', async () => {
      const [fine, failed] = [requestOf(past + 10_000), requestOf(past + 11_000, { status: 'error' })];
      await writeAsExporter(server, { spans: [fine, failed] });
      const exemplars = [fine, failed].map((span, index) => ({ span, value: index + 1 }));
      await server.insert('otel_metrics_sum', [
        report(30, {
          Value: 5,
          AggregationTemporality: 1,
          'Exemplars.FilteredAttributes': exemplars.map(() => ({})),
          'Exemplars.TimeUnix': exemplars.map(({ span }) => Math.floor(span.start / 1_000)),
          'Exemplars.Value': exemplars.map(({ value }) => value),
          'Exemplars.SpanId': exemplars.map(({ span }) => span.spanId),
          'Exemplars.TraceId': exemplars.map(({ span }) => span.traceId),
        }),
      ]);
      expect((await chart()).exemplars).toMatchObject([
        { traceId: failed.traceId, spanId: failed.spanId, value: 2, error: true, label: failed.name },
        { traceId: fine.traceId, spanId: fine.spanId, value: 1, error: false, label: fine.name },
      ]);
    });

    it('says what is wrong with password, database, tables and limits, and what to do', async () => {
      await writeAsExporter(server, {
        spans: Array.from({ length: 50 }, (_, index) => requestOf(past + index)),
      });
      const failureOf = async (more: Partial<ClickHouseConfig>): Promise<string> => {
        const other = createClickHouseReader(server.config(more));
        const answer = other.services(range).then(
          () => 'it answered',
          (error: unknown) => (error as Error).message,
        );
        return answer.finally(() => {
          other.close();
        });
      };
      const tables = { traces: 'missing_traces', logs: 'otel_logs', metrics: 'otel_metrics' };
      expect(await failureOf({ password: 'wrong-password' })).toContain('refused the user');
      expect(await failureOf({ database: 'missing' })).toContain('has no database "missing"');
      expect(await failureOf({ tables })).toContain(`has no table ${server.database}.missing_traces`);
      expect(await failureOf({ maxRows: 10 })).toContain('set dashboard.source.clickhouse.maxRows');
      expect(await failureOf({})).toBe('it answered');
    });

    it('says how much telemetry a process lost in the range, of counters since its start', async () => {
      const lost = (second: number, Value: number) =>
        report(second, {
          MetricName: 'otel.sdk.exporter.span.exported',
          Attributes: { 'error.type': 'rejected' },
          Value,
        });
      const ofOther = { ResourceAttributes: { 'service.name': 'orders', 'service.instance.id': 'b' } };
      await server.insert('otel_metrics_sum', [
        lost(-30, 100),
        lost(30, 104),
        lost(90, 107),
        // Of one whose first loss came in the range.
        { ...lost(90, 5), ...ofOther },
      ]);
      const found = await reader.processHealth(range);
      const losses = found.map(({ instance, exporters: [exporter] }) => [
        instance,
        exporter!.failed,
        exporter!.lostInRange,
      ]);
      expect(losses.sort()).toEqual([
        ['a', 107, 7],
        ['b', 5, 5],
      ]);
    });

    it('counts the failures of a sample that were seen, where spans stand for fewer', async () => {
      const exception = { 'exception.type': 'StockError', 'exception.fingerprint': 'f1' };
      const failure = { status: 'error', weight: 8, attributes: exception } as const;
      await writeAsExporter(server, {
        spans: [requestOf(past, failure)],
        // What failed in traces that were not recorded.
        logs: Array.from({ length: 12 }, (_, index) =>
          lineOf(past + index, { level: 50, attributes: exception, traceId: newTraceId() }),
        ),
      });
      const { errors } = await reader.errors(range);
      expect(errors.map(({ count, total }) => [count, total])).toEqual([[13, 13]]);
    });

    it('answers what the dashboard Logs of Grafana asks, and the jump from a trace to its lines', async () => {
      const root = requestOf(past);
      const line = (second: number, more: object) => lineOf(past + second * 1_000, more);
      await writeAsExporter(server, {
        spans: [root],
        logs: [
          line(1, { message: 'of the trace', traceId: root.traceId, spanId: root.spanId }),
          line(2, { message: 'outside', level: 50 }),
          line(3, { message: 'of another service', service: 'billing' }),
          line(-600, { message: 'long before' }),
        ],
      });
      const { database } = server;
      const values = { database, services: ['orders'], trace: '', from: range.from, to: range.to };
      const ask = async (more: object) => {
        const answers = await Promise.all(
          readStatements({ ...values, ...more }).map(async ([place, sql]) => [
            place,
            (await server.read<Record<string, string>>(sql)).map(
              ({ Message, body, ServiceName }) => Message ?? body ?? ServiceName,
            ),
          ]),
        );
        return Object.fromEntries(answers) as Record<string, string[]>;
      };
      const all = await ask({});
      expect(all['Logs / Lines']).toEqual(['outside', 'of the trace']);
      expect(all['Logs / variable service']!.sort()).toEqual(['billing', 'orders']);
      expect(await ask({ trace: root.traceId })).toMatchObject({
        'Logs / Lines': ['of the trace'],
        'jaeger / Log lines of this trace': ['of the trace'],
      });
    });

    it('is behind every address of the page, which is only read', async () => {
      const root = requestOf(past, { status: 'error' });
      await writeAsExporter(server, {
        spans: [root, childOf(root)],
        logs: [lineOf(past, { traceId: root.traceId, spanId: root.spanId, level: 50 })],
      });
      const dashboard = new Dashboard({
        config: {
          path: '/telemetry',
          token: false,
          allowRemote: false,
          allowedHosts: [],
          otlp: true,
          mcp: false,
          profiling: false,
          editor: undefined,
          clickhouse: server.config(),
        },
        token: undefined,
        ...clickHousePartsOf(server.config()),
        instrumentations: () => [],
        libraries: () => [],
        running: () => [],
        process: undefined,
      });
      const page = createServer(dashboard.serve);
      await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
      const { port } = page.address() as AddressInfo;
      const get = (path: string, init?: RequestInit) =>
        fetch(`http://127.0.0.1:${port}/telemetry/${path}`, init);
      try {
        const time = `from=${range.from}&to=${range.to}`;
        for (const path of [
          `services?${time}`,
          `overview?${time}`,
          `routes?${time}`,
          `findings?${time}`,
          `starts?${time}`,
          `traces?${time}`,
          'running',
          `traces/${root.traceId}`,
          `prompt/traces/${root.traceId}`,
          `errors?${time}`,
          `map?${time}`,
          `operations?${time}`,
          `logs?${time}`,
          `logs/volume?${time}`,
          `logs/patterns?${time}`,
          'fields?of=traces',
          'metrics',
          'health',
        ]) {
          const response = await get(`api/v1/${path}`);
          expect([path, response.status, await response.json()]).toEqual([path, 200, expect.anything()]);
        }
        const headers = { 'content-type': 'application/json' };
        const selection = { method: 'POST', body: JSON.stringify(range), headers };
        expect((await get('api/v1/selection', selection)).status).toBe(200);
        const body = JSON.stringify({ resourceSpans: [] });
        expect(
          (await get('otlp/v1/traces', { method: 'POST', body, headers })).status,
        ).toBeGreaterThanOrEqual(400);
      } finally {
        dashboard.close();
        page.closeAllConnections();
        await new Promise((resolve) => page.close(resolve));
      }
    });
  });
});
