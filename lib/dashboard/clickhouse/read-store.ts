import { type StoreAnswer } from '../reader/answers/store.interface.js';
import { type StartAnswer } from '../reader/answers/traffic.interface.js';
import {
  type ProcessChoice,
  type QueryOptions,
  type StartFilter,
  type TimeRange,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import { PROCESS_KEY, processConditions, VERSION } from './columns.js';
import { allOf, type Bindings } from './query.js';
import { processStarts } from './rollups/read-processes.js';
import { inRange } from './timeline.js';

interface TableRow {
  readonly kind: 'spans' | 'logs' | 'points';
  readonly total: number;
  /** Milliseconds. */
  readonly oldest: number;
}

/** How many rows there are, how many bytes they take on this server, and since when. */
export async function readStore(clickHouse: ClickHouse, options: QueryOptions = {}): Promise<StoreAnswer> {
  const { traces, logs, gauges, sums, histograms } = clickHouse.tables;
  const timed = (kind: string, table: string): string =>
    `SELECT '${kind}' AS kind, count() AS total, toUnixTimestamp64Milli(min(Timestamp)) AS oldest FROM ${table}`;
  const points = (table: string): string =>
    `SELECT 'points' AS kind, count() AS total, toInt64(toUnixTimestamp(min(TimeUnix))) * 1000 AS oldest FROM ${table}`;
  const [rows, [size]] = await Promise.all([
    clickHouse.rows<TableRow>(
      () =>
        [timed('spans', traces), timed('logs', logs), ...[gauges, sums, histograms].map(points)].join(
          ' UNION ALL ',
        ),
      options,
    ),
    clickHouse.rows<{ bytes: number }>((bind) => {
      const { database, tables } = clickHouse.config;
      const names = [tables.traces, `${tables.traces}_trace_id_ts`, tables.logs];
      const ofMetrics = ['gauge', 'sum', 'histogram'].map((kind) => `${tables.metrics}_${kind}`);
      return `SELECT sum(total_bytes) AS bytes FROM system.tables
        WHERE database = ${bind.text(database)} AND name IN ${bind.texts([...names, ...ofMetrics])}`;
    }, options),
  ]);
  const filled = rows.filter(({ total }) => total > 0);
  const count = (wanted: TableRow['kind']): number =>
    filled.filter(({ kind }) => kind === wanted).reduce((sum, { total }) => sum + total, 0);
  const oldestOf = (some: readonly TableRow[]): number | undefined =>
    some.length === 0 ? undefined : Math.min(...some.map(({ oldest }) => oldest));
  return {
    bytes: size?.bytes ?? 0,
    spans: count('spans'),
    logs: count('logs'),
    points: count('points'),
    oldest: oldestOf(filled.filter(({ kind }) => kind !== 'points')),
    since: oldestOf(filled),
  };
}

const MAX_STARTS = 500;
/** A process that was heard of so long before the range did not start in it. */
const KNOWN_MS = 24 * 3_600_000;

/** Processes that started in a range, the last at the end: when the first of their spans began. */
export async function findStarts(
  clickHouse: ClickHouse,
  { from, to, service, ...choice }: StartFilter,
  options: QueryOptions = {},
): Promise<StartAnswer[]> {
  const read = { from: from - KNOWN_MS, to };
  const rollups = await clickHouse.rollups.ofAllProcesses(read.from, choice, options);
  const rows = await clickHouse.rows<{
    service: string;
    version: string;
    previousVersion: string;
    place: number;
    time: number;
  }>((bind) => {
    const begins =
      rollups === undefined
        ? firstSpans(bind, clickHouse.tables.traces, read, service, choice)
        : processStarts(bind, rollups, read, service);
    return `SELECT service, version, time, place, previousVersion FROM (
          SELECT service, version, time, isChosen, row_number() OVER started AS place, lagInFrame(version) OVER started AS previousVersion
          FROM (${begins}) WINDOW started AS (PARTITION BY service ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        ) WHERE isChosen = 1 AND time >= ${bind.integer(from)} ORDER BY time DESC LIMIT ${bind.integer(MAX_STARTS)}`;
  }, options);
  return rows.reverse().map(({ place, previousVersion, ...start }) => ({
    service: start.service,
    version: start.version,
    time: start.time,
    previousVersion: place === 1 ? undefined : previousVersion,
  }));
}

function firstSpans(
  bind: Bindings,
  traces: string,
  range: TimeRange,
  service: string | undefined,
  choice: ProcessChoice,
): string {
  const ofService = service === undefined ? '' : `AND ServiceName = ${bind.text(service)}`;
  const chosen = allOf(processConditions(bind, choice));
  return `SELECT toString(ServiceName) AS service, ${VERSION} AS version, toUnixTimestamp64Milli(min(Timestamp)) AS time, toUInt8(max(${chosen})) AS isChosen
    FROM ${traces} WHERE ${inRange(bind, range)} ${ofService}
    GROUP BY service, version, ${PROCESS_KEY}`;
}
