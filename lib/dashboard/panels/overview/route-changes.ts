import {
  type RouteAnswer,
  type RouteFiguresAnswer,
  type RouteTrendAnswer,
} from '../../reader/answers/traffic.interface.js';
import { failsMore, hasEnough, isHigher } from './regressions.js';

/** How a route changed. */
export interface RouteChange {
  readonly kind: 'failing' | 'slower' | 'faster';
  readonly measure: 'errors' | 'p95' | 'p50';
  /** Milliseconds; of errors a share, 0 to 1. */
  readonly before: number;
  readonly now: number;
  /** `recent`: the last part of the range, against the part before. `range`: all of it, against the time before. */
  readonly compared: 'recent' | 'range';
}

/** A route over a range, and how it changed. */
export interface RouteTrend extends Pick<RouteTrendAnswer, 'service' | 'method' | 'route' | 'p95'> {
  /** Undefined: by no more than chance explains; null: there were too few requests to compare. */
  readonly change: RouteChange | null | undefined;
}

/** From the worst. */
const KINDS: readonly RouteChange['kind'][] = ['failing', 'slower', 'faster'];
const QUANTILES = ['p95', 'p50'] as const;

/** How much worse or better, for the order among changes of one kind. */
const weightOf = ({ kind, before, now }: RouteChange): number =>
  kind === 'failing' ? now - before : Math.max(now, before) / Math.max(0.001, Math.min(now, before));

/** What changed between two times; of the quantiles the p95, which the page draws, unless only the p50 changed. */
function compare(
  compared: RouteChange['compared'],
  before: RouteFiguresAnswer,
  now: RouteFiguresAnswer,
): RouteChange | undefined {
  if (failsMore(before, now))
    return { kind: 'failing', measure: 'errors', before: before.errorShare, now: now.errorShare, compared };
  const changes = QUANTILES.flatMap((measure): RouteChange[] => {
    const was = { count: before.count, ms: before[measure] ?? 0 };
    const is = { count: now.count, ms: now[measure] ?? 0 };
    const kind = isHigher(was, is) ? 'slower' : isHigher(is, was) ? 'faster' : undefined;
    return kind === undefined ? [] : [{ kind, measure, before: was.ms, now: is.ms, compared }];
  });
  return changes.find(({ kind }) => kind === 'slower') ?? changes[0];
}

/**
 * What stands out most of a route: that it fails more often, is slower, or is faster, each by the rules of the findings; by its p95 or by its
 * p50, which shows what became of half of the requests where some were slow before, too.
 *
 * @param before what it did in the time before the range; undefined where it was not called
 */
export function findChange(
  { all, recent, earlier }: Pick<RouteTrendAnswer, 'all' | 'recent' | 'earlier'>,
  before: RouteFiguresAnswer | undefined,
): RouteChange | null | undefined {
  const isComparable = hasEnough(earlier, recent) || (before !== undefined && hasEnough(before, all));
  if (!isComparable) return null;
  return [
    compare('recent', earlier, recent),
    before === undefined ? undefined : compare('range', before, all),
  ]
    .filter((change) => change !== undefined)
    .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || weightOf(b) - weightOf(a))[0];
}

const keyOf = ({ service, method, route }: Pick<RouteAnswer, 'service' | 'method' | 'route'>): string =>
  JSON.stringify([service, method, route]);

/** Three digits are more than a line of some pixels shows. */
const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(3));

/** The trends of routes with how each changed. @param before routes of the time before the range */
export function describeTrends(
  trends: readonly RouteTrendAnswer[],
  before: readonly RouteAnswer[],
): readonly RouteTrend[] {
  const known = new Map(before.map((route) => [keyOf(route), route]));
  return trends.map((trend) => {
    const { service, method, route, p95 } = trend;
    return {
      service,
      method,
      route,
      p95: p95.map(rounded),
      change: findChange(trend, known.get(keyOf(trend))),
    };
  });
}
