import {
  type DurationsAnswer,
  type RouteFiguresAnswer,
  type TrendsAnswer,
} from '../reader/answers/traffic.interface.js';
import { joinBars } from '../reader/duration-bars.js';
import {
  type DurationFilter,
  type QueryOptions,
  type TrendFilter,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import { DURATION_STEP, FAILED, METHOD, ROUTE } from './columns.js';
import { entryCondition } from './find-traces.js';
import { entriesByStep, routePoints, routeTrends, serviceTrends } from './rollups/read-entries.js';
import { splitIntoSlots, wholeMinutes } from './rollups/slots.js';
import { bucketOf, inRange, secondsOf, splitRange } from './timeline.js';
import { quantiles, quantilesWhere, WEIGHT } from './weight.js';

/** Routes with a trend: those called most. */
const MAX_ROUTES = 2_000;

/** How many requests took how long. */
export async function findDurations(
  clickHouse: ClickHouse,
  filter: DurationFilter,
  options: QueryOptions = {},
): Promise<DurationsAnswer> {
  const rollups = await clickHouse.rollups.ofAllProcesses(filter.from, filter, options);
  const rows = await clickHouse.rows<{ step: number; entries: number }>(
    (bind) =>
      rollups === undefined
        ? `SELECT ${DURATION_STEP} AS step, sum(${WEIGHT}) AS entries
          FROM ${clickHouse.tables.traces} WHERE ${inRange(bind, filter)} AND ${entryCondition(bind, filter)} GROUP BY step`
        : entriesByStep(bind, rollups, wholeMinutes(filter), filter),
    options,
  );
  return {
    count: Math.round(rows.reduce((sum, { entries }) => sum + entries, 0)),
    bars: joinBars(
      rows.map(({ step, entries }) => [step, Math.round(entries)] as const),
      filter.bars,
    ),
  };
}

interface ServiceRow {
  readonly service: string;
  readonly bucket: number;
  readonly entries: number;
  readonly failed: number;
  readonly p95: number | null;
}

interface RouteRow {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly entries: number;
  readonly failed: number;
  readonly recentEntries: number;
  readonly recentFailed: number;
  readonly whole: Quantiles;
  readonly recent: Quantiles;
  readonly earlier: Quantiles;
}

type Quantiles = readonly [p50: number | null, p95: number | null];

interface PointRow {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly bucket: number;
  readonly p95: number | null;
}

const BY_ROUTE = `ServiceName AS service, ${METHOD} AS method, ${ROUTE} AS route`;
const P95 = `${quantiles(0.95)}[1] AS p95`;

/** Services and routes that were called in the range, each over time, and what each route did in the last part and before. */
export async function findTrends(
  clickHouse: ClickHouse,
  filter: TrendFilter,
  options: QueryOptions = {},
): Promise<TrendsAnswer> {
  const { traces } = clickHouse.tables;
  const slots = splitIntoSlots(filter, filter.buckets);
  const rollups = await clickHouse.rollups.ofAllProcesses(slots.from, filter, options);
  const range = rollups === undefined ? splitRange(filter, filter.buckets) : slots;
  const { times, width } = range;
  const recentFrom = times.findLast((time) => time <= filter.recentFrom) ?? range.from;
  const [services, routes, points] = await Promise.all([
    clickHouse.rows<ServiceRow>(
      (bind) =>
        rollups === undefined
          ? `SELECT ServiceName AS service, ${bucketOf(bind, range)} AS bucket, sum(${WEIGHT}) AS entries, sumIf(${WEIGHT}, ${FAILED}) AS failed, ${P95}
            FROM ${traces} WHERE ${inRange(bind, range)} AND ${entryCondition(bind, filter)} GROUP BY service, bucket`
          : serviceTrends(bind, rollups, slots, filter),
      options,
    ),
    clickHouse.rows<RouteRow>((bind) => {
      if (rollups !== undefined) return routeTrends(bind, rollups, slots, filter, recentFrom, MAX_ROUTES);
      const isRecent = `Timestamp >= ${bind.instant(recentFrom)}`;
      return `SELECT ${BY_ROUTE}, sum(${WEIGHT}) AS entries, sumIf(${WEIGHT}, ${FAILED}) AS failed, sumIf(${WEIGHT}, ${isRecent}) AS recentEntries,
          sumIf(${WEIGHT}, ${FAILED} AND ${isRecent}) AS recentFailed, ${quantiles(0.5, 0.95)} AS whole, ${quantilesWhere(isRecent, 0.5, 0.95)} AS recent,
          ${quantilesWhere(`NOT (${isRecent})`, 0.5, 0.95)} AS earlier
        FROM ${traces} WHERE ${inRange(bind, range)} AND ${entryCondition(bind, filter)} GROUP BY service, method, route
        ORDER BY entries DESC LIMIT ${MAX_ROUTES}`;
    }, options),
    clickHouse.rows<PointRow>(
      (bind) =>
        rollups === undefined
          ? `SELECT ${BY_ROUTE}, ${bucketOf(bind, range)} AS bucket, ${P95}
            FROM ${traces} WHERE ${inRange(bind, range)} AND ${entryCondition(bind, filter)} GROUP BY service, method, route, bucket`
          : routePoints(bind, rollups, slots, filter),
      options,
    ),
  ]);
  const seconds = times.map((time) => secondsOf({ from: time, to: time + width }));
  const keyOf = ({ service, method, route }: Pick<RouteRow, 'service' | 'method' | 'route'>): string =>
    JSON.stringify([service, method, route]);
  const ofService = Map.groupBy(services, ({ service }) => service);
  const ofRoute = Map.groupBy(points, keyOf);
  return {
    times,
    recentFrom,
    services: [...ofService].map(([service, rows]) => {
      const byBucket = new Map(rows.map((row) => [row.bucket, row]));
      const rates = (key: 'entries' | 'failed'): number[] =>
        seconds.map((length, index) => (byBucket.get(index)?.[key] ?? 0) / length);
      return {
        service,
        perSecond: rates('entries'),
        errorsPerSecond: rates('failed'),
        p95: times.map((_, index) => byBucket.get(index)?.p95 ?? null),
      };
    }),
    routes: routes.map((row) => {
      const byBucket = new Map((ofRoute.get(keyOf(row)) ?? []).map(({ bucket, p95 }) => [bucket, p95]));
      const { service, method, route, entries, failed, recentEntries, recentFailed } = row;
      return {
        service,
        method,
        route,
        p95: times.map((_, index) => byBucket.get(index) ?? null),
        all: figuresOf(entries, failed, row.whole),
        recent: figuresOf(recentEntries, recentFailed, row.recent),
        earlier: figuresOf(entries - recentEntries, failed - recentFailed, row.earlier),
      };
    }),
  };
}

function figuresOf(count: number, failed: number, [p50, p95]: Quantiles): RouteFiguresAnswer {
  if (count === 0) return { count, errorShare: 0, p50: null, p95: null };
  return { count: Math.round(count), errorShare: failed / count, p50, p95 };
}
