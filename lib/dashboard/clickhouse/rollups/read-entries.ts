import { type RouteChoice, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { allOf, type Bindings } from '../query.js';
import { inMilliseconds } from '../weight.js';
import { inPieces, inSlots, slotBucketOf, type SlotBuckets } from './slots.js';
import { type RollupNames } from './statements.js';

/** What entered, read from sums: the same columns as the questions read from spans. */

const merged = (levels: readonly number[]): string =>
  inMilliseconds(`quantilesBFloat16WeightedMerge(${levels.join(', ')})(Durations)`);
const mergedWhere = (condition: string, levels: readonly number[]): string =>
  inMilliseconds(`quantilesBFloat16WeightedMergeIf(${levels.join(', ')})(Durations, ${condition})`);

const COUNTS = 'sum(Weight) AS entries, sum(FailedWeight) AS failed';
const QUANTILES = `${merged([0.5, 0.95, 0.99])} AS quantiles`;
const BY_ROUTE = 'ServiceName AS service, Method AS method, Route AS route';
/** As the questions have an exemplar: trace id (empty where there is none), span id, start, duration, name. */
const exemplar = (column: string): string => {
  const slowest = `max(${column})`;
  return `(${[2, 3, 4, 1, 5].map((index) => `tupleElement(${slowest}, ${index})`).join(', ')})`;
};

function choiceConditions(bind: Bindings, { service, route, method }: RouteChoice): string[] {
  const conditions: string[] = [];
  if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
  if (route !== undefined) conditions.push(`Route = ${bind.text(route)}`);
  if (method !== undefined) conditions.push(`Method = ${bind.text(method)}`);
  return conditions;
}

/** The smaller table, where that has what is chosen. */
function tableOf({ routes, services }: RollupNames, { route, method }: RouteChoice): string {
  return route === undefined && method === undefined ? services : routes;
}

/** By bucket, with the slowest of each and the slowest that failed. */
export function entriesByBucket(
  bind: Bindings,
  rollups: RollupNames,
  slots: SlotBuckets,
  choice: RouteChoice,
): string {
  return `SELECT ${slotBucketOf(bind, slots)} AS bucket, ${COUNTS}, ${QUANTILES}, ${exemplar('Slowest')} AS slowest,
      ${exemplar('SlowestFailed')} AS slowestFailed
    FROM ${tableOf(rollups, choice)} WHERE ${allOf([inSlots(bind, slots), ...choiceConditions(bind, choice)])} GROUP BY bucket`;
}

/** By step of their duration, of whole minutes. */
export function entriesByStep(
  bind: Bindings,
  rollups: RollupNames,
  range: TimeRange,
  choice: RouteChoice,
): string {
  const conditions = [inPieces(bind, range), ...choiceConditions(bind, choice)];
  return `SELECT step, entries FROM (SELECT sumMap(Steps) AS sums FROM ${tableOf(rollups, choice)} WHERE ${allOf(conditions)})
    ARRAY JOIN sums.1 AS step, sums.2 AS entries`;
}

/** By service, of whole minutes. */
export function entriesByService(bind: Bindings, { services }: RollupNames, range: TimeRange): string {
  return `SELECT ServiceName AS service, ${COUNTS}, ${QUANTILES} FROM ${services} WHERE ${inPieces(bind, range)} GROUP BY ServiceName`;
}

/** By route, of whole minutes. */
export function entriesByRoute(
  bind: Bindings,
  { routes }: RollupNames,
  range: TimeRange,
  choice: RouteChoice,
  limit: number,
): string {
  const conditions = [inPieces(bind, range), ...choiceConditions(bind, choice)];
  return `SELECT ${BY_ROUTE}, ${COUNTS}, ${QUANTILES}, max(LastSeen) AS lastSeen
    FROM ${routes} WHERE ${allOf(conditions)} GROUP BY service, method, route ORDER BY entries DESC LIMIT ${limit}`;
}

/** By version and route, of whole minutes. */
export function entriesByVersion(
  bind: Bindings,
  { routes }: RollupNames,
  range: TimeRange,
  choice: RouteChoice,
  limit: number,
): string {
  const conditions = [inPieces(bind, range), "Version != ''", ...choiceConditions(bind, choice)];
  return `SELECT ServiceName AS service, Version AS version, Method AS method, Route AS route, ${COUNTS}, ${QUANTILES},
      min(FirstSeen) AS firstSeen, max(LastSeen) AS lastSeen
    FROM ${routes} WHERE ${allOf(conditions)} GROUP BY service, version, method, route ORDER BY entries DESC LIMIT ${limit}`;
}

/** By service and bucket. */
export function serviceTrends(
  bind: Bindings,
  { services }: RollupNames,
  slots: SlotBuckets,
  choice: RouteChoice,
): string {
  return `SELECT ServiceName AS service, ${slotBucketOf(bind, slots)} AS bucket, ${COUNTS}, ${merged([0.95])}[1] AS p95
    FROM ${services} WHERE ${allOf([inSlots(bind, slots), ...choiceConditions(bind, choice)])} GROUP BY service, bucket`;
}

/** By route: as a whole, from a time on, and before it. @param recentFrom begin of a bucket */
export function routeTrends(
  bind: Bindings,
  { routes }: RollupNames,
  slots: SlotBuckets,
  choice: RouteChoice,
  recentFrom: number,
  limit: number,
): string {
  const isRecent = `Time >= ${bind.second(recentFrom)}`;
  const levels = [0.5, 0.95];
  return `SELECT ${BY_ROUTE}, ${COUNTS}, sumIf(Weight, ${isRecent}) AS recentEntries, sumIf(FailedWeight, ${isRecent}) AS recentFailed,
      ${merged(levels)} AS whole, ${mergedWhere(isRecent, levels)} AS recent, ${mergedWhere(`NOT (${isRecent})`, levels)} AS earlier
    FROM ${routes} WHERE ${allOf([inSlots(bind, slots), ...choiceConditions(bind, choice)])}
    GROUP BY service, method, route ORDER BY entries DESC LIMIT ${limit}`;
}

/** By route and bucket. */
export function routePoints(
  bind: Bindings,
  { routes }: RollupNames,
  slots: SlotBuckets,
  choice: RouteChoice,
): string {
  return `SELECT ${BY_ROUTE}, ${slotBucketOf(bind, slots)} AS bucket, ${merged([0.95])}[1] AS p95
    FROM ${routes} WHERE ${allOf([inSlots(bind, slots), ...choiceConditions(bind, choice)])} GROUP BY service, method, route, bucket`;
}
