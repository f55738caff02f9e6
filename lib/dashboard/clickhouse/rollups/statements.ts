import { type ClickHouseConfig } from '../../../config/clickhouse.js';
import {
  DURATION,
  DURATION_STEP,
  ENVIRONMENT,
  FAILED,
  IS_ENTRY,
  LEVEL,
  METHOD,
  PROCESS_KEY,
  ROUTE,
  START,
  VERSION,
} from '../columns.js';
import { WEIGHT, WEIGHT_UNITS } from '../weight.js';

/** Ends the names of all tables: other columns need another one, and both can stand beside each other. */
const LAYOUT = 'v1';

/** Seconds that one row of sums stands for: each sum is there in all of them. */
export const WIDTHS = [60, 600, 3_600] as const;

/** What the sketches are made for; others can be taken from them as well. */
const LEVELS = '0.5, 0.95, 0.99';
export const DURATIONS_TYPE = `quantilesBFloat16Weighted(${LEVELS})`;

/** Names of the tables, ready for a query. */
export interface RollupNames {
  /** What entered, by service, version, route and time. */
  readonly routes: string;
  /** The same by service and time. */
  readonly services: string;
  /** By hour: which process of which version has written spans. */
  readonly processes: string;
  /** Copies of failed spans. */
  readonly failedSpans: string;
  /** Copies of log lines of level error. */
  readonly errorLines: string;
  /** How many log lines there are, by service, level and time. */
  readonly logVolume: string;
  /** Since when all of these are complete. */
  readonly coverage: string;
}

type RollupTable = Exclude<keyof RollupNames, 'coverage'>;

/** Of which table of the exporter a rollup is, and how its name ends. */
type Ending = readonly [source: 'traces' | 'logs', ending: string];

/** In the order in which they are made: a view needs its table, and that of services reads what is written to that of routes. */
const ENDINGS = {
  routes: ['traces', 'routes'],
  services: ['traces', 'services'],
  processes: ['traces', 'processes'],
  failedSpans: ['traces', 'failed'],
  errorLines: ['logs', 'failed'],
  logVolume: ['logs', 'volume'],
  coverage: ['traces', 'rollups'],
} as const satisfies Readonly<Record<keyof RollupNames, Ending>>;

/** Names without the database. */
export function plainNames({ tables }: ClickHouseConfig): RollupNames {
  return nameEach(([source, ending]) => `${tables[source]}_${ending}_${LAYOUT}`);
}

export function rollupNames(config: ClickHouseConfig): RollupNames {
  const { database, tables } = config;
  return nameEach(([source, ending]) => `\`${database}\`.\`${tables[source]}_${ending}_${LAYOUT}\``);
}

function nameEach(name: (ending: Ending) => string): RollupNames {
  const { routes, services, processes, failedSpans, errorLines, logVolume, coverage } = ENDINGS;
  return {
    routes: name(routes),
    services: name(services),
    processes: name(processes),
    failedSpans: name(failedSpans),
    errorLines: name(errorLines),
    logVolume: name(logVolume),
    coverage: name(coverage),
  };
}

/** A stretch of time in nanoseconds, as SQL of a condition on `Timestamp`. */
export function writtenIn(fromNs: bigint, toNs?: bigint): string {
  const from = `Timestamp >= fromUnixTimestamp64Nano(${fromNs})`;
  return toNs === undefined ? from : `${from} AND Timestamp < fromUnixTimestamp64Nano(${toNs})`;
}

const SECOND = 'toUnixTimestamp(Timestamp)';
const slot = (second: string, width: string | number): string =>
  `toDateTime(intDiv(${second}, ${width}) * ${width})`;
/** A span as an exemplar: the one with the highest duration is the highest. */
const EXEMPLAR = `(${DURATION}, TraceId, SpanId, ${START}, toString(SpanName))`;
const NO_EXEMPLAR = "(toInt64(0), '', '', toInt64(0), '')";
const EXEMPLAR_TYPE =
  'SimpleAggregateFunction(max, Tuple(Int64, String, String, Int64, String)) CODEC(ZSTD(1))';

const TEXT = 'LowCardinality(String) CODEC(ZSTD(1))';
const SUM_COLUMNS = `Entries SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  Failed SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  Weight SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  FailedWeight SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  Durations AggregateFunction(${DURATIONS_TYPE}, Float64, UInt64) CODEC(ZSTD(1)),
  Steps SimpleAggregateFunction(sumMap, Tuple(Array(UInt16), Array(Float64))) CODEC(ZSTD(1)),
  Slowest ${EXEMPLAR_TYPE},
  SlowestFailed ${EXEMPLAR_TYPE},
  FirstSeen SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
  LastSeen SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1))`;
const TIME_COLUMNS = `Width UInt16 CODEC(ZSTD(1)),
  Time DateTime CODEC(Delta, ZSTD(1))`;
/** Of one hour, what belongs together is side by side: both a range of all routes and a long range of one route read little else. */
const HOUR = 'toStartOfHour(Time)';

/** Sums of sums. */
const ADDED_UP = `sum(Entries) AS Entries, sum(Failed) AS Failed, sum(Weight) AS Weight, sum(FailedWeight) AS FailedWeight,
  ${DURATIONS_TYPE.replace('(', 'MergeState(')}(Durations) AS Durations, sumMap(Steps) AS Steps, max(Slowest) AS Slowest, max(SlowestFailed) AS SlowestFailed,
  min(FirstSeen) AS FirstSeen, max(LastSeen) AS LastSeen`;

interface Definition {
  /** The statement that makes the table, up to the engine. */
  readonly columns: string;
  readonly engine: string;
  readonly partition: string;
  readonly order: string;
  readonly time: string;
  /** What the view writes to it. @param condition on `Timestamp` */
  readonly select: (condition: string) => string;
  /** Filled by the view of another rollup, when that is filled. */
  readonly follows?: true;
}

function definitionsOf(config: ClickHouseConfig): Readonly<Record<RollupTable, Definition>> {
  const { database, tables } = config;
  const names = rollupNames(config);
  const traces = `\`${database}\`.\`${tables.traces}\``;
  const logs = `\`${database}\`.\`${tables.logs}\``;
  const summing = { engine: 'AggregatingMergeTree', partition: 'toDate(Time)', time: 'Time' } as const;
  const copying = {
    engine: 'MergeTree',
    partition: 'toDate(Timestamp)',
    order: 'toStartOfHour(Timestamp), ServiceName, TraceId',
    time: 'toDateTime(Timestamp)',
  } as const;
  return {
    routes: {
      ...summing,
      columns: `(
  ${TIME_COLUMNS},
  ServiceName ${TEXT},
  Version ${TEXT},
  Method ${TEXT},
  Route ${TEXT},
  ${SUM_COLUMNS}
)`,
      order: `Width, ${HOUR}, ServiceName, Method, Route, Version, Time`,
      select: (
        condition,
      ) => `SELECT Width, ${slot('Minute', 'Width')} AS Time, ServiceName, Version, Method, Route, ${ADDED_UP}
FROM (
  SELECT intDiv(${SECOND}, 60) * 60 AS Minute, ServiceName, ${VERSION} AS Version, ${METHOD} AS Method, ${ROUTE} AS Route,
    count() AS Entries, countIf(${FAILED}) AS Failed, sum(${WEIGHT}) AS Weight, sumIf(${WEIGHT}, ${FAILED}) AS FailedWeight,
    ${DURATIONS_TYPE.replace('(', 'State(')}(toFloat64(${DURATION}), ${WEIGHT_UNITS}) AS Durations,
    sumMap([${DURATION_STEP}], [${WEIGHT}]) AS Steps,
    max(if(${FAILED}, ${NO_EXEMPLAR}, ${EXEMPLAR})) AS Slowest, max(if(${FAILED}, ${EXEMPLAR}, ${NO_EXEMPLAR})) AS SlowestFailed,
    toUnixTimestamp64Milli(min(Timestamp)) AS FirstSeen, toUnixTimestamp64Milli(max(Timestamp)) AS LastSeen
  FROM ${traces} WHERE ${condition} AND ${IS_ENTRY}
  GROUP BY Minute, ServiceName, Version, Method, Route
)
ARRAY JOIN [${WIDTHS.join(', ')}] AS Width
GROUP BY Width, Time, ServiceName, Version, Method, Route`,
    },
    services: {
      ...summing,
      columns: `(
  ${TIME_COLUMNS},
  ServiceName ${TEXT},
  ${SUM_COLUMNS}
)`,
      order: `Width, ${HOUR}, ServiceName, Time`,
      select: () => `SELECT Width, Time, ServiceName, ${ADDED_UP}
FROM ${names.routes} GROUP BY Width, Time, ServiceName`,
      follows: true,
    },
    processes: {
      ...summing,
      columns: `(
  Time DateTime CODEC(Delta, ZSTD(1)),
  ServiceName ${TEXT},
  Version ${TEXT},
  Environment ${TEXT},
  Instance String CODEC(ZSTD(1)),
  FirstSeen SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
  LastSeen SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1))
)`,
      order: 'Time, ServiceName, Version, Environment, Instance',
      select: (
        condition,
      ) => `SELECT ${slot(SECOND, 3_600)} AS Time, ServiceName, ${VERSION} AS Version, ${ENVIRONMENT} AS Environment,
  ${PROCESS_KEY} AS Instance, toUnixTimestamp64Milli(min(Timestamp)) AS FirstSeen, toUnixTimestamp64Milli(max(Timestamp)) AS LastSeen
FROM ${traces} WHERE ${condition} GROUP BY Time, ServiceName, Version, Environment, Instance`,
    },
    failedSpans: {
      ...copying,
      columns: `AS ${traces}`,
      select: (condition) => `SELECT * FROM ${traces} WHERE ${condition} AND ${FAILED}`,
    },
    logVolume: {
      ...summing,
      columns: `(
  ${TIME_COLUMNS},
  ServiceName ${TEXT},
  Level UInt8 CODEC(ZSTD(1)),
  Lines SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
)`,
      order: `Width, ${HOUR}, ServiceName, Level, Time`,
      select: (
        condition,
      ) => `SELECT Width, ${slot('Minute', 'Width')} AS Time, ServiceName, Level, sum(Lines) AS Lines
FROM (
  SELECT intDiv(${SECOND}, 60) * 60 AS Minute, ServiceName, ${LEVEL} AS Level, count() AS Lines
  FROM ${logs} WHERE ${condition} GROUP BY Minute, ServiceName, Level
)
ARRAY JOIN [${WIDTHS.join(', ')}] AS Width
GROUP BY Width, Time, ServiceName, Level`,
    },
    errorLines: {
      ...copying,
      columns: `AS ${logs}`,
      select: (condition) => `SELECT * FROM ${logs} WHERE ${condition} AND SeverityNumber >= 17`,
    },
  };
}

/** In the order in which they are made. */
function definitionsList(config: ClickHouseConfig): readonly (readonly [RollupTable, Definition])[] {
  return Object.entries(definitionsOf(config)) as [RollupTable, Definition][]; // the keys are those of the record
}

export interface RollupOptions {
  /** From when on spans and lines are counted; nanoseconds. */
  readonly sinceNs: bigint;
  /** Days after which rows of the rollups are deleted; undefined: never. */
  readonly ttlDays?: number | undefined;
}

/** Where the rollups say since when they are complete. `Days`: after how many days rows are deleted; 0 is never. */
export function createCoverage(config: ClickHouseConfig): string {
  return `CREATE TABLE IF NOT EXISTS ${rollupNames(config).coverage} (
  Since DateTime64(9),
  Days UInt32,
  Begun DateTime64(9),
  WrittenAt DateTime64(3) DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY WrittenAt`;
}

/** The tables and their views, each made where it is missing. The last statement says that all are there. */
export function createRollups(config: ClickHouseConfig, { sinceNs, ttlDays }: RollupOptions): string[] {
  const names = rollupNames(config);
  const statements = definitionsList(config).flatMap(
    ([table, { columns, engine, partition, order, time, select }]) => [
      `CREATE TABLE IF NOT EXISTS ${names[table]} ${columns}
ENGINE = ${engine}
PARTITION BY ${partition}
ORDER BY (${order})${ttlDays === undefined ? '' : `\nTTL ${ttlOf(time, ttlDays)}`}
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1`,
      `CREATE MATERIALIZED VIEW IF NOT EXISTS ${viewOf(names[table])} TO ${names[table]} AS
${select(writtenIn(sinceNs))}`,
    ],
  );
  return [
    createCoverage(config),
    ...statements,
    `INSERT INTO ${names.coverage} (Since, Days, Begun)
SELECT fromUnixTimestamp64Nano(${sinceNs}), ${ttlDays ?? 0}, fromUnixTimestamp64Nano(${sinceNs}) WHERE (SELECT count() FROM ${names.coverage}) = 0`,
  ];
}

/**
 * Changes after how many days rows of rollups that are there are deleted, and notes it. With more days than before, what was deleted meanwhile
 * is missing: the rollups are complete since then.
 */
export function changeTtl(config: ClickHouseConfig, ttlDays: number): string[] {
  const names = rollupNames(config);
  // The begin of an hour: what is before can be deleted and counted again.
  const kept = 'toDateTime(intDiv(toUnixTimestamp(now() - toIntervalDay(Days)), 3600) * 3600 + 3600)';
  const since = (column: string): string =>
    `if(Days = 0 OR Days > ${ttlDays}, ${column}, greatest(${column}, ${kept}))`;
  return [
    // First: readers must not rely on rows that may be gone.
    `INSERT INTO ${names.coverage} (Since, Days, Begun)
SELECT ${since('Since')}, ${ttlDays}, ${since('Begun')} FROM (${lastCoverage(config)}) WHERE Days != ${ttlDays}`,
    ...definitionsList(config).map(
      ([table, { time }]) => `ALTER TABLE ${names[table]} MODIFY TTL ${ttlOf(time, ttlDays)}`,
    ),
  ];
}

/** Deletes what the tables have from before the hour of a time, each where that is anything: the query that counts it is beside it. */
export function deleteBefore(
  config: ClickHouseConfig,
  ns: bigint,
): readonly { readonly count: string; readonly remove: string }[] {
  const names = rollupNames(config);
  const hour = (ns / 3_600_000_000_000n) * 3_600n;
  return definitionsList(config).map(([table, { time }]) => {
    const isBefore = `${time} < toDateTime(${hour})`;
    return {
      count: `SELECT toUInt32(least(count(), 1)) AS rows FROM ${names[table]} WHERE ${isBefore}`,
      remove: `ALTER TABLE ${names[table]} DELETE WHERE ${isBefore} SETTINGS mutations_sync = 1`,
    };
  });
}

/** The row of the coverage that holds. */
export function lastCoverage(config: ClickHouseConfig): string {
  return `SELECT Since, Days, Begun FROM ${rollupNames(config).coverage} ORDER BY WrittenAt DESC, Since, Begun LIMIT 1`;
}

const ttlOf = (time: string, days: number): string => `${time} + INTERVAL ${days} DAY`;

export const viewOf = (table: string): string => table.replace(/`$/, '_mv`');

/** Removes what `createRollups()` makes, and all that is in it. */
export function dropRollups(config: ClickHouseConfig): string[] {
  const tables = Object.values<string>({ ...rollupNames(config) });
  return [
    ...tables.map((table) => `DROP VIEW IF EXISTS ${viewOf(table)}`),
    ...tables.map((table) => `DROP TABLE IF EXISTS ${table}`),
  ];
}

/** Fills the rollups with what is stored of a stretch of whole hours. */
export function fillRollups(config: ClickHouseConfig, fromNs: bigint, toNs: bigint): string[] {
  const names = rollupNames(config);
  return definitionsList(config)
    .filter(([, { follows }]) => follows !== true)
    .map(([table, { select }]) => `INSERT INTO ${names[table]}\n${select(writtenIn(fromNs, toNs))}`);
}
