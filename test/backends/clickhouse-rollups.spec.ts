import {
  type ClosableReader,
  createClickHouseReader,
} from '../../lib/dashboard/clickhouse/clickhouse-reader.js';
import { initRollups } from '../../lib/dashboard/clickhouse/rollups/init-rollups.js';
import { describeTelemetryReader } from '../dashboard/reader/contract.js';
import { childOf, lineOf, requestOf } from '../dashboard/reader/telemetry.js';
import { describeWith } from './backend-processes.js';
import { readerForContract, writeAsExporter } from './clickhouse-rows.js';
import { ClickHouseServer } from './clickhouse-server.js';

// The contract asks one engine thousands of questions, one after the other.
jest.setTimeout(300_000);

const MINUTE = 60_000;

describeWith('clickhouse', 'rollups in a real ClickHouse', (folder) => {
  let server: ClickHouseServer;
  /** What the command says. */
  const init = async (options: { backfill?: boolean; reset?: boolean; ttlDays?: number } = {}) => {
    const said: string[] = [];
    await initRollups(server.config(), { ...options, report: (text) => said.push(text) });
    return said;
  };
  const ROLLUPS = ['routes', 'services', 'processes', 'failed'].map((name) => `otel_traces_${name}_v1`);
  const clear = async () => {
    await server.clear();
    for (const table of [...ROLLUPS, 'otel_logs_failed_v1', 'otel_logs_volume_v1'])
      await server.run(`TRUNCATE TABLE IF EXISTS ${server.database}.${table}`);
  };

  const deleteRows = (table: string) =>
    server.run(`ALTER TABLE ${server.database}.${table} DELETE WHERE 1 SETTINGS mutations_sync = 2`);

  beforeAll(async () => {
    server = await ClickHouseServer.start(folder);
  });
  afterAll(() => server.stop());

  describe('made in empty tables', () => {
    beforeAll(async () => {
      expect(await init()).toEqual(['The rollups are there, and count all that will be written.']);
    });

    describeTelemetryReader(
      'ClickHouse with rollups',
      async () => {
        await clear();
        return readerForContract(server);
      },
      { live: false, types: false, countsOnly: true },
    );
  });

  describe('made beside what is stored', () => {
    const past = Math.floor(Date.now() / MINUTE - 150) * MINUTE;
    const range = { from: past, to: past + 140 * MINUTE };
    const spans = Array.from({ length: 280 }, (_, index) =>
      requestOf(past + (index * MINUTE) / 2, {
        durationMs: 1 + ((index * 37) % 100) ** 2,
        route: `/orders/${index % 7}`,
        status: index % 9 === 0 ? 'error' : 'unset',
      }),
    );
    const work = spans.map((span, index) => childOf(span, { status: index % 11 === 0 ? 'error' : 'unset' }));
    const logs = spans.map((span, index) => lineOf(span.start, { level: index % 5 === 0 ? 50 : 30 }));
    /** Answers that rollups may give. @param read called with a reader of these */
    const answers = async (reader: ClosableReader) => {
      const error = { ...range, buckets: 20 };
      const routes = await reader.routes(range);
      return {
        services: await reader.services(range),
        overview: await reader.overview({ ...range, buckets: 14 }),
        ofRoute: await reader.overview({ ...range, buckets: 14, route: '/orders/3' }),
        routes: [...routes].sort((a, b) => a.route.localeCompare(b.route)),
        trends: await reader.trends({ ...range, buckets: 14, recentFrom: past + 100 * MINUTE }),
        versions: [...(await reader.routeVersions({}))].sort((a, b) => a.route.localeCompare(b.route)),
        starts: await reader.starts(range),
        errors: await reader.errors(error),
        durations: await reader.durations({ ...range, bars: 40 }),
        durationsOfRoute: await reader.durations({
          ...range,
          service: 'orders',
          route: '/orders/3',
          bars: 40,
        }),
        lines: await reader.logVolume({ ...range, buckets: 14 }),
        warnings: await reader.logVolume({ ...range, buckets: 14, service: 'orders', level: 'warn' }),
      };
    };
    const ask = async () => {
      const reader = createClickHouseReader(server.config());
      return answers(reader).finally(() => {
        reader.close();
      });
    };
    /** Numbers that a sketch gives are not off by more than half a per cent, which both may be. */
    const round = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (key, each: unknown) =>
          /^p\d\d$/.test(key) || key === 'handler' ? undefined : each,
        ),
      );
    const quantilesIn = (value: unknown): number[] => {
      const found: number[] = [];
      JSON.stringify(value, (key, each: unknown) => {
        if (/^p\d\d$/.test(key)) found.push(...[each].flat().map((number) => Number(number ?? 0)));
        return each;
      });
      return found;
    };

    beforeAll(async () => {
      await clear();
      await writeAsExporter(server, { spans: [...spans, ...work], logs });
    });

    it('answers as without them, once all that is stored is counted', async () => {
      await server.run(`DROP TABLE ${server.database}.otel_traces_rollups_v1`);
      const before = await ask();
      const said = await init({ backfill: true });
      expect(said[0]).toBe('The rollups are there, and count what is written from now on.');
      expect(said.at(-1)).toBe('All that is stored is counted.');
      // The sums, and not the spans, are now what answers.
      await deleteRows('otel_traces');
      await deleteRows('otel_logs');
      const after = await ask();
      expect(round(after)).toEqual(round(before));
      const [expected, actual] = [quantilesIn(before), quantilesIn(after)];
      expect(expected.filter((value) => value > 0).length).toBeGreaterThan(50);
      actual.forEach((value, index) => {
        expect(Math.abs(value - expected[index]!)).toBeLessThanOrEqual(expected[index]! * 0.015);
      });
    });

    it('changes nothing when they are there, and counts nothing twice', async () => {
      const before = await ask();
      expect(await init({ backfill: true })).toEqual(['The rollups are there already.']);
      expect(await ask()).toEqual(before);
    });

    it('counts on from the time at which they were made', async () => {
      await init({ reset: true });
      await clear();
      const now = Date.now();
      await writeAsExporter(server, { spans: [requestOf(now + MINUTE)] });
      const reader = createClickHouseReader(server.config());
      const [service] = await reader.services({ from: now - MINUTE, to: now + 2 * MINUTE });
      reader.close();
      expect(service?.count).toBe(1);
    });
  });

  describe('that are there already', () => {
    const HOUR = 60 * MINUTE;
    const countSince = async (from: number): Promise<number | undefined> => {
      const reader = createClickHouseReader(server.config());
      const [service] = await reader.services({ from, to: Date.now() });
      reader.close();
      return service?.count;
    };
    beforeEach(async () => {
      await clear();
      expect(await init({ reset: true })).toEqual([
        'The rollups are there, and count all that will be written.',
      ]);
    });

    it('delete their rows after the days that --ttl names now', async () => {
      expect(await init({ ttlDays: 30 })).toEqual([
        'The rollups are there already.',
        'Their rows are deleted after 30 days from now on.',
      ]);
      const tables = await server.read<{ engine_full: string }>(
        `SELECT engine_full FROM system.tables WHERE database = '${server.database}' AND endsWith(name, '_v1') AND engine_full LIKE '%TTL % toIntervalDay(30)%'`,
      );
      expect(tables).toHaveLength(6);
      await server.run(
        `INSERT INTO ${server.database}.otel_traces_processes_v1 (Time, ServiceName) SELECT now() - INTERVAL 31 DAY, 'orders'`,
      );
      await server.run(`OPTIMIZE TABLE ${server.database}.otel_traces_processes_v1 FINAL`);
      expect(await server.read(`SELECT * FROM ${server.database}.otel_traces_processes_v1`)).toEqual([]);
      expect(await init({ ttlDays: 30 })).toEqual(['The rollups are there already.']);
    });

    it('are not relied on for what was deleted before --ttl was raised, until that is counted again, once', async () => {
      await init({ ttlDays: 1 });
      expect(await init({ ttlDays: 3 })).toContain(
        'Their rows are deleted after 3 days from now on, not after 1.',
      );
      await writeAsExporter(server, { spans: [requestOf(Date.now() - 30 * HOUR)] });
      await server.run(`TRUNCATE TABLE ${server.database}.otel_traces_services_v1`);
      expect(await countSince(Date.now() - 48 * HOUR)).toBe(1);
      await init({ backfill: true });
      await deleteRows('otel_traces');
      expect(await countSince(Date.now() - 48 * HOUR)).toBe(1);
      const [row] = await server.read<{ weight: number }>(
        `SELECT sum(Weight) AS weight FROM ${server.database}.otel_traces_routes_v1 WHERE Width = 3600`,
      );
      expect(row!.weight).toBe(1);
    });

    it('are made anew where a table is missing, when that is asked for', async () => {
      await server.run(`DROP TABLE ${server.database}.otel_logs_volume_v1`);
      await expect(init()).rejects.toThrow(/lack otel_logs_volume_v1.*--reset/);
      await init({ reset: true });
      expect(await init()).toEqual(['The rollups are there already.']);
    });
  });
});
