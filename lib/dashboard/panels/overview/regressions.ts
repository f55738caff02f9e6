import { getOrAdd } from '../../get-or-add.js';
import { type RouteAnswer, type RouteVersionAnswer } from '../../reader/answers/traffic.interface.js';
import {
  choosesProcesses,
  type ProcessChoice,
  type QueryOptions,
  type RouteChoice,
  type TelemetryReader,
  type TimeRange,
} from '../../reader/telemetry-reader.interface.js';

/** What a route did in a time, or in a version. */
export interface RouteFigures {
  readonly count: number;
  /** 0 to 1. */
  readonly errorShare: number;
  /** Milliseconds. */
  readonly p95: number;
}

/** With what a route is compared: a time before, or what the version before answered. */
type Baseline =
  | { readonly kind: 'time'; readonly from: number; readonly to: number }
  | { readonly kind: 'version'; readonly version: string; readonly now: string; readonly since: number };

/** A route that became slower (`slower`, by its p95) or fails more often (`failing`, by its share of errors) than its baseline. */
export interface Regression {
  readonly kind: 'failing' | 'slower';
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly baseline: Baseline;
  readonly before: RouteFigures;
  readonly now: RouteFigures;
}

/** Fewer requests say nothing about a route, before or now. */
const MIN_REQUESTS = 30;
/** A p95 that is higher by less is not worth a look. */
const MIN_SLOWER_MS = 20;
const MIN_SLOWER_SHARE = 0.5;
/**
 * Three standard errors of the quotient of two p95s, for durations as scattered as an exponential distribution:
 * 3 · √(0.95 · 0.05) / (0.05 · ln 20), with 1/√n for each side. For p50s it is 3 · √(0.5 · 0.5) / (0.5 · ln 2), nearly the same.
 */
const QUANTILE_SCATTER = 4.4;
const MIN_MORE_ERRORS = 0.01;
/** Standard errors of the difference of two shares. */
const ERROR_SCATTER = 3;

/** A quantile of so many requests, in milliseconds. */
interface Quantile {
  readonly count: number;
  readonly ms: number;
}

/** Whether a p50 or p95 is higher by half, by 20 ms, and by more than chance explains with so many requests. */
export function isHigher(before: Quantile, now: Quantile): boolean {
  if (!hasEnough(before, now)) return false;
  const scatter = QUANTILE_SCATTER * Math.sqrt(1 / before.count + 1 / now.count);
  const least = before.ms * (1 + Math.max(MIN_SLOWER_SHARE, scatter));
  return now.ms >= least && now.ms - before.ms >= MIN_SLOWER_MS;
}

/** Whether the p95 is higher; see `isHigher()`. */
export function isSlower(before: RouteFigures, now: RouteFigures): boolean {
  return isHigher({ count: before.count, ms: before.p95 }, { count: now.count, ms: now.p95 });
}

type Failures = Pick<RouteFigures, 'count' | 'errorShare'>;

/** Whether the share of errors is higher by one percent, and by more than chance explains with so many requests. */
export function failsMore(before: Failures, now: Failures): boolean {
  if (!hasEnough(before, now)) return false;
  const errors = before.errorShare * before.count + now.errorShare * now.count;
  const share = errors / (before.count + now.count);
  const scatter = Math.sqrt(share * (1 - share) * (1 / before.count + 1 / now.count));
  return now.errorShare - before.errorShare >= Math.max(MIN_MORE_ERRORS, ERROR_SCATTER * scatter);
}

/** Whether both sides have 30 requests: fewer say nothing about a route. */
export function hasEnough(before: Pick<RouteFigures, 'count'>, now: Pick<RouteFigures, 'count'>): boolean {
  return before.count >= MIN_REQUESTS && now.count >= MIN_REQUESTS;
}

/** Answers of a reader about the routes of a range, and about times with which it is compared, the preferred one first. */
interface ComparedRoutes {
  readonly now: readonly RouteAnswer[];
  readonly earlier: readonly (TimeRange & { readonly routes: readonly RouteAnswer[] })[];
}

/** Routes that are worse than in the first of the times before in which they had enough requests; the worst first. */
export function compareTimes({ now, earlier }: ComparedRoutes): readonly Regression[] {
  const before = earlier.map(({ routes, from, to }) => ({
    baseline: { kind: 'time', from, to } as const,
    routes: new Map(routes.map((route) => [keyOf(route), route])),
  }));
  return rank(
    now.flatMap((route) => {
      for (const { baseline, routes } of before) {
        const other = routes.get(keyOf(route));
        if (other !== undefined && other.count >= MIN_REQUESTS) return judge(route, baseline, other, route);
      }
      return [];
    }),
  );
}

/**
 * Routes that the newest version of a service answers worse than the version before; the worst first. The newest is the one that came last
 * of those that answered since `seenSince`, the one before it came last of the others that are older.
 */
export function compareVersions(
  versions: readonly RouteVersionAnswer[],
  seenSince: number,
): readonly Regression[] {
  const services = groupBy(versions, ({ service }) => service);
  return rank([...services.values()].flatMap((own) => compareNewest(own, seenSince)));
}

/** A version of a service, and what it answered. */
export interface OrderedVersion {
  readonly version: string;
  readonly routes: readonly RouteVersionAnswer[];
  /** Its first and its last request. */
  readonly since: number;
  readonly lastSeen: number;
}

/** The versions of one service, the one that came last first. */
export function orderVersions(own: readonly RouteVersionAnswer[]): readonly OrderedVersion[] {
  return [...groupBy(own, ({ version }) => version)]
    .map(([version, routes]) => ({
      version,
      routes,
      since: Math.min(...routes.map(({ firstSeen }) => firstSeen)),
      lastSeen: Math.max(...routes.map(({ lastSeen }) => lastSeen)),
    }))
    .sort((a, b) => b.since - a.since);
}

function compareNewest(own: readonly RouteVersionAnswer[], seenSince: number): Regression[] {
  const inOrder = orderVersions(own);
  const index = inOrder.findIndex(({ lastSeen }) => lastSeen >= seenSince);
  const [newest, last] = index === -1 ? [] : inOrder.slice(index, index + 2);
  if (newest === undefined || last === undefined) return [];
  const baseline = {
    kind: 'version',
    version: last.version,
    now: newest.version,
    since: newest.since,
  } as const;
  const before = new Map(last.routes.map((route) => [keyOf(route), route]));
  return newest.routes.flatMap((route) => {
    const other = before.get(keyOf(route));
    return other === undefined ? [] : judge(route, baseline, other, route);
  });
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) getOrAdd(groups, keyOf(item), () => []).push(item);
  return groups;
}

type Named = Pick<RouteAnswer, 'service' | 'method' | 'route'>;

const keyOf = ({ service, method, route }: Named): string => JSON.stringify([service, method, route]);

/** One that fails more often is not named as slower, too: it may be slower because it fails. */
function judge(
  { service, method, route }: Named,
  baseline: Baseline,
  earlier: Pick<RouteAnswer, 'count' | 'errorShare' | 'p95'>,
  current: Pick<RouteAnswer, 'count' | 'errorShare' | 'p95'>,
): Regression[] {
  const [before, now] = [earlier, current].map(({ count, errorShare, p95 }) => ({
    count,
    errorShare,
    p95: p95 ?? 0,
  })) as [RouteFigures, RouteFigures]; // as many as before
  const kind = failsMore(before, now) ? 'failing' : isSlower(before, now) ? 'slower' : undefined;
  return kind === undefined ? [] : [{ kind, service, method, route, baseline, before, now }];
}

/** What fails more often first, by how many more fail; then what is slower, by how long all wait more. */
function rank(regressions: readonly Regression[]): readonly Regression[] {
  const weightOf = ({ kind, before, now }: Regression): number =>
    now.count * (kind === 'failing' ? now.errorShare - before.errorShare : now.p95 - before.p95);
  return [...regressions].sort((a, b) =>
    a.kind === b.kind ? weightOf(b) - weightOf(a) : a.kind === 'failing' ? -1 : 1,
  );
}

/** A short range is compared with an hour before it: the minutes before may have had few requests. */
const MIN_BASELINE_MS = 3_600_000;

/** The time before a range with which it is compared: as long as the range, an hour at least. */
export function timeBefore({ from, to }: TimeRange): TimeRange {
  return { from: from - Math.max(to - from, MIN_BASELINE_MS), to: from };
}

const DAY_MS = 24 * 3_600_000;

/** Whether a route is one of those chosen. */
export function isChosen(choice: RouteChoice, route: string, method: string): boolean {
  return (
    (choice.route === undefined || choice.route === route) &&
    (choice.method === undefined || choice.method === method)
  );
}

/**
 * Every regression of a range, of all routes or of those chosen, the worst first: routes that the newest version answers worse than the
 * one before, then routes that are worse than in the time before (as long as the range, an hour at least) or, where they had fewer
 * than 30 requests then, than a day before. A route is named once. A route needs 30 requests on both sides; see `isSlower()` and `failsMore()` for what counts.
 *
 * Of chosen processes only times are compared: what each version answered is known of all processes together.
 *
 * @param reader any implementation; three questions are asked of it, or four
 * @param known routes of the range, where they are known already
 */
export async function findRegressions(
  reader: Pick<TelemetryReader, 'routes' | 'routeVersions'>,
  { from, to, ...choice }: TimeRange & RouteChoice & ProcessChoice,
  options?: QueryOptions,
  known?: readonly RouteAnswer[],
): Promise<readonly Regression[]> {
  const ask = async (range: TimeRange): Promise<ComparedRoutes['earlier'][number]> => ({
    ...range,
    routes: await reader.routes({ ...range, ...choice }, options),
  });
  const [now, before, versions] = await Promise.all([
    known ?? reader.routes({ from, to, ...choice }, options),
    ask(timeBefore({ from, to })),
    choosesProcesses(choice) ? [] : reader.routeVersions({ service: choice.service }, options),
  ]);
  const enough = new Set(before.routes.filter(({ count }) => count >= MIN_REQUESTS).map(keyOf));
  const isKnown = now.every((route) => route.count < MIN_REQUESTS || enough.has(keyOf(route)));
  const earlier = isKnown ? [before] : [before, await ask({ from: from - DAY_MS, to: to - DAY_MS })];
  const byVersion = compareVersions(
    versions.filter(({ route, method }) => isChosen(choice, route, method)),
    from,
  );
  const named = new Set(byVersion.map(keyOf));
  const byTime = compareTimes({ now, earlier });
  return [...byVersion, ...byTime.filter((regression) => !named.has(keyOf(regression)))];
}
