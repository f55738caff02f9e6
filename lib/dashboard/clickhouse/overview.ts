import { type ExemplarAnswer } from '../reader/answers/answer-parts.interface.js';
import {
  type OverviewAnswer,
  type RouteAnswer,
  type RouteVersionAnswer,
  type ServiceAnswer,
} from '../reader/answers/traffic.interface.js';
import {
  type OverviewFilter,
  type ProcessChoice,
  type ProcessFilter,
  type QueryOptions,
  type RouteFilter,
  type TimeRange,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import {
  DURATION,
  ENVIRONMENT,
  FAILED,
  IS_ENTRY,
  METHOD,
  processConditions,
  ROUTE,
  START,
  VERSION,
} from './columns.js';
import { entryCondition } from './find-traces.js';
import { allOf, type Bindings } from './query.js';
import {
  entriesByBucket,
  entriesByRoute,
  entriesByService,
  entriesByVersion,
} from './rollups/read-entries.js';
import { knownServices } from './rollups/read-processes.js';
import { splitIntoSlots, wholeMinutes } from './rollups/slots.js';
import { bucketOf, type Buckets, inRange, secondsOf, splitRange } from './timeline.js';
import { quantiles, WEIGHT } from './weight.js';

const HOUR_MS = 3_600_000;
/** Services and versions are known for so long at least. */
const KNOWN_MS = 24 * HOUR_MS;
/** A span that failed within another one began at most so long after it. */
const PARENT_BEFORE_MS = HOUR_MS;
const MAX_ROUTES = 5_000;

const WEIGHTS = `sum(${WEIGHT})`;
const ENTRIES = `${WEIGHTS} AS entries`;
const FAILURES = `sumIf(${WEIGHT}, ${FAILED}) AS failed`;
const QUANTILES = quantiles(0.5, 0.95, 0.99);

/** Failed spans, no entries and no calls, whose parent did not fail. */
function failedWork(bind: Bindings, traces: string, { from, to }: TimeRange): string {
  const before = bind.instant(from - PARENT_BEFORE_MS);
  return `${FAILED} AND NOT ${IS_ENTRY} AND SpanKind != 'Client' AND (TraceId, ParentSpanId) NOT IN (
    SELECT TraceId, SpanId FROM ${traces} WHERE ${FAILED} AND Timestamp >= ${before} AND Timestamp < ${bind.instant(to)})`;
}

interface ServiceRow {
  readonly name: string;
  readonly version: string;
  readonly environment: string;
  readonly lastSeen: number;
}

interface TrafficRow {
  readonly service: string;
  readonly entries: number;
  readonly failed: number;
  readonly quantiles: readonly [number, number, number];
}

/** Services that have reported in the range or in the last day, busiest first; the numbers are those of the range. */
export async function findServices(
  clickHouse: ClickHouse,
  filter: ProcessFilter,
  options: QueryOptions = {},
): Promise<ServiceAnswer[]> {
  const { traces, logs } = clickHouse.tables;
  const { from, to } = filter;
  const since = Math.min(from, Date.now() - KNOWN_MS);
  const rollups = await clickHouse.rollups.ofAllProcesses(since, filter, options);
  const range = rollups === undefined ? { from, to } : wholeMinutes({ from, to });
  const chosen = (bind: Bindings): string => allOf(processConditions(bind, filter));
  const [services, traffic, work, lines] = await Promise.all([
    clickHouse.rows<ServiceRow>(
      (bind) =>
        rollups === undefined
          ? `SELECT ServiceName AS name, ${VERSION} AS version, ${ENVIRONMENT} AS environment,
              toUnixTimestamp64Milli(Timestamp) AS lastSeen
            FROM ${traces} WHERE (ServiceName, Timestamp) IN (
              SELECT ServiceName, max(Timestamp) FROM ${traces} WHERE Timestamp >= ${bind.instant(since)} AND ${chosen(bind)} GROUP BY ServiceName)
              AND ${chosen(bind)}
            LIMIT 1 BY ServiceName`
          : knownServices(bind, rollups, since),
      options,
    ),
    clickHouse.rows<TrafficRow>(
      (bind) =>
        rollups === undefined
          ? `SELECT ServiceName AS service, ${ENTRIES}, ${FAILURES}, ${QUANTILES} AS quantiles
            FROM ${traces} WHERE ${inRange(bind, range)} AND ${IS_ENTRY} AND ${chosen(bind)} GROUP BY ServiceName`
          : entriesByService(bind, rollups, range),
      options,
    ),
    clickHouse.rows<{ service: string; spans: number }>((bind) => {
      const table = rollups?.failedSpans ?? traces;
      return `SELECT ServiceName AS service, ${WEIGHTS} AS spans FROM ${table}
        WHERE ${inRange(bind, range)} AND ${failedWork(bind, table, range)} AND ${chosen(bind)} GROUP BY ServiceName`;
    }, options),
    clickHouse.rows<{ service: string; lines: number }>(
      (bind) => `SELECT ServiceName AS service, count() AS lines FROM ${rollups?.errorLines ?? logs}
        WHERE ${inRange(bind, range)} AND SeverityNumber >= 17 AND ${chosen(bind)} GROUP BY ServiceName`,
      options,
    ),
  ]);
  const seconds = secondsOf(range);
  const ofService = new Map(traffic.map((row) => [row.service, row]));
  const spans = new Map(work.map((row) => [row.service, row.spans]));
  const errors = new Map(lines.map((row) => [row.service, row.lines]));
  return services
    .map(({ name, version, environment, lastSeen }) => {
      const { entries = 0, failed = 0, quantiles = [0, 0, 0] } = ofService.get(name) ?? {};
      const [p50, p95, p99] = quantiles;
      return {
        name,
        version,
        environment,
        ...ratesOf(entries, failed, seconds),
        p50,
        p95,
        p99,
        failedWork: Math.round(spans.get(name) ?? 0),
        errorLogs: errors.get(name) ?? 0,
        lastSeen,
      };
    })
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}

interface BucketRow {
  readonly bucket: number;
  readonly entries: number;
  readonly failed: number;
  readonly quantiles: readonly [number, number, number];
  readonly slowest: ExemplarRow;
  readonly slowestFailed: ExemplarRow;
}

/** Trace id (empty where there is none), span id, start and duration in microseconds, name. */
type ExemplarRow = readonly [traceId: string, spanId: string, start: number, duration: number, name: string];

const EXEMPLAR = `(TraceId, SpanId, ${START}, ${DURATION}, toString(SpanName))`;

/** Rates, errors and quantiles of what entered, over time, with the slowest of each bucket, and the slowest that failed, as exemplars. */
export async function readOverview(
  clickHouse: ClickHouse,
  filter: OverviewFilter,
  options: QueryOptions = {},
): Promise<OverviewAnswer> {
  const { route, method } = filter;
  const { traces } = clickHouse.tables;
  const slots = splitIntoSlots(filter, filter.buckets);
  const rollups = await clickHouse.rollups.ofAllProcesses(slots.from, filter, options);
  const range = rollups === undefined ? splitRange(filter, filter.buckets) : slots;
  const { times, width } = range;
  const [entries, work] = await Promise.all([
    clickHouse.rows<BucketRow>(
      (bind) =>
        rollups === undefined
          ? `SELECT ${bucketOf(bind, range)} AS bucket, ${ENTRIES}, ${FAILURES}, ${QUANTILES} AS quantiles,
              argMaxIf(${EXEMPLAR}, Duration, NOT (${FAILED})) AS slowest, argMaxIf(${EXEMPLAR}, Duration, ${FAILED}) AS slowestFailed
            FROM ${traces} WHERE ${inRange(bind, range)} AND ${entryCondition(bind, filter)} GROUP BY bucket`
          : entriesByBucket(bind, rollups, slots, filter),
      options,
    ),
    // No route has failed work.
    route === undefined && method === undefined
      ? findFailedWork(clickHouse, rollups?.failedSpans ?? traces, filter, range, options)
      : [],
  ]);
  const byBucket = new Map(entries.map((row) => [row.bucket, row]));
  const failedSpans = new Map(work.map((row) => [row.bucket, row.spans]));
  // The last bucket may have just begun.
  const seconds = times.map((time) => secondsOf({ from: time, to: time + width }));
  const perSecond = (count: number, index: number): number => count / (seconds[index] ?? 1);
  const quantile = (index: 0 | 1 | 2) =>
    times.map((_, place) => byBucket.get(place)?.quantiles[index] ?? null);
  const exemplars = [
    ...entries.flatMap(({ slowestFailed }) => toExemplar(slowestFailed, true)),
    ...work.flatMap(({ slowest }) => toExemplar(slowest, true)),
    ...entries.flatMap(({ slowest }) => toExemplar(slowest, false)),
  ];
  return {
    times,
    perSecond: times.map((_, index) => perSecond(byBucket.get(index)?.entries ?? 0, index)),
    errorsPerSecond: times.map((_, index) => perSecond(byBucket.get(index)?.failed ?? 0, index)),
    failedWorkPerSecond: times.map((_, index) => perSecond(failedSpans.get(index) ?? 0, index)),
    p50: quantile(0),
    p95: quantile(1),
    p99: quantile(2),
    exemplars: exemplars.sort((a, b) => Number(b.error) - Number(a.error) || b.value - a.value),
  };
}

function findFailedWork(
  clickHouse: ClickHouse,
  table: string,
  filter: Pick<OverviewFilter, 'service' | keyof ProcessChoice>,
  range: Buckets,
  options: QueryOptions,
): Promise<{ bucket: number; spans: number; slowest: ExemplarRow }[]> {
  return clickHouse.rows((bind) => {
    const { service } = filter;
    const conditions = [
      inRange(bind, range),
      failedWork(bind, table, range),
      ...processConditions(bind, filter),
    ];
    if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
    return `SELECT ${bucketOf(bind, range)} AS bucket, ${WEIGHTS} AS spans, argMax(${EXEMPLAR}, Duration) AS slowest
      FROM ${table} WHERE ${allOf(conditions)} GROUP BY bucket`;
  }, options);
}

function toExemplar(
  [traceId, spanId, start, duration, label]: ExemplarRow,
  error: boolean,
): ExemplarAnswer[] {
  if (traceId === '') return [];
  return [{ time: start / 1_000, value: duration / 1_000, traceId, spanId, error, label }];
}

function ratesOf(count: number, errors: number, seconds: number) {
  return {
    count: Math.round(count),
    perSecond: count / seconds,
    errorShare: count === 0 ? 0 : errors / count,
  };
}

interface RouteRow extends TrafficRow {
  readonly method: string;
  readonly route: string;
  readonly lastSeen: number;
}

/** What entered services in the range, busiest first. Routes that were declared and not called are not in the tables. */
export async function findRoutes(
  clickHouse: ClickHouse,
  filter: RouteFilter,
  options: QueryOptions = {},
): Promise<RouteAnswer[]> {
  const rollups = await clickHouse.rollups.ofAllProcesses(filter.from, filter, options);
  const range = rollups === undefined ? filter : wholeMinutes(filter);
  const rows = await clickHouse.rows<RouteRow>((bind) => {
    if (rollups !== undefined) return entriesByRoute(bind, rollups, range, filter, MAX_ROUTES);
    const conditions = [inRange(bind, filter), entryCondition(bind, filter)];
    return `SELECT ServiceName AS service, ${METHOD} AS method, ${ROUTE} AS route, ${ENTRIES}, ${FAILURES},
        ${QUANTILES} AS quantiles, toUnixTimestamp64Milli(max(Timestamp)) AS lastSeen
      FROM ${clickHouse.tables.traces} WHERE ${allOf(conditions)} GROUP BY service, method, route
      ORDER BY entries DESC LIMIT ${bind.integer(MAX_ROUTES)}`;
  }, options);
  const seconds = secondsOf(range);
  return rows
    .map(({ entries, failed, quantiles: [p50, p95], lastSeen, ...row }) => ({
      service: row.service,
      method: row.method,
      route: row.route,
      handler: undefined,
      ...ratesOf(entries, failed, seconds),
      p50,
      p95,
      lastSeen,
    }))
    .sort((a, b) => b.count - a.count || a.route.localeCompare(b.route) || a.method.localeCompare(b.method));
}

interface VersionRow extends RouteRow {
  readonly version: string;
  readonly firstSeen: number;
}

/** What each version of a service has answered by each route over the last day, the newest version first. */
export async function findRouteVersions(
  clickHouse: ClickHouse,
  service: string | undefined,
  options: QueryOptions = {},
): Promise<RouteVersionAnswer[]> {
  const range = wholeMinutes({ from: Date.now() - KNOWN_MS, to: Date.now() + HOUR_MS });
  const rollups = await clickHouse.rollups.since(range.from, options);
  const rows = await clickHouse.rows<VersionRow>((bind) => {
    if (rollups !== undefined) return entriesByVersion(bind, rollups, range, { service }, MAX_ROUTES);
    const conditions = [`Timestamp >= ${bind.instant(Date.now() - KNOWN_MS)}`, IS_ENTRY, `${VERSION} != ''`];
    if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
    return `SELECT ServiceName AS service, ${VERSION} AS version, ${METHOD} AS method, ${ROUTE} AS route, ${ENTRIES}, ${FAILURES},
        ${QUANTILES} AS quantiles, toUnixTimestamp64Milli(min(Timestamp)) AS firstSeen,
        toUnixTimestamp64Milli(max(Timestamp)) AS lastSeen
      FROM ${clickHouse.tables.traces} WHERE ${allOf(conditions)} GROUP BY service, version, method, route
      ORDER BY entries DESC LIMIT ${bind.integer(MAX_ROUTES)}`;
  }, options);
  return rows
    .map(({ entries, failed, quantiles: [p50, p95], ...row }) => ({
      service: row.service,
      version: row.version,
      method: row.method,
      route: row.route,
      count: Math.round(entries),
      errorShare: failed / entries,
      p50,
      p95,
      firstSeen: row.firstSeen,
      lastSeen: row.lastSeen,
    }))
    .sort((a, b) => b.firstSeen - a.firstSeen || b.count - a.count);
}
