import { type RouteAnswer } from '../reader/answers.interface.js';

/** A route that is worse than before. */
export interface RouteRegression {
  readonly now: RouteAnswer;
  readonly before: RouteAnswer;
  /** p95 of now by that of before; undefined where it is not slower. */
  readonly slower: number | undefined;
  /** Share of errors of now less that of before; undefined where it does not fail more. */
  readonly failing: number | undefined;
}

/** Fewer requests say nothing about a route. */
const MIN_COUNT = 10;
const MIN_RATIO = 1.5;
/** What is less is not felt, whatever its ratio. */
const MIN_MS = 5;
const MIN_SHARE = 0.02;
/** More errors than that are no chance: standard deviations of the share before. */
const MIN_DEVIATIONS = 3;

/** Routes that became slower or fail more often, the worst first; only those with enough requests in both times. */
export function findRegressions(
  now: readonly RouteAnswer[],
  before: readonly RouteAnswer[],
): readonly RouteRegression[] {
  const former = new Map(before.map((route) => [keyOf(route), route]));
  return now
    .flatMap((route) => {
      const base = former.get(keyOf(route));
      if (base === undefined || route.count < MIN_COUNT || base.count < MIN_COUNT) return [];
      const found = {
        now: route,
        before: base,
        slower: ratioOf(route, base),
        failing: moreErrors(route, base),
      };
      return found.slower === undefined && found.failing === undefined ? [] : [found];
    })
    .sort((a, b) => weightOf(b) - weightOf(a));
}

const keyOf = ({ service, method, route }: RouteAnswer): string => JSON.stringify([service, method, route]);

function ratioOf({ p95 }: RouteAnswer, base: RouteAnswer): number | undefined {
  if (p95 === null || base.p95 === null || base.p95 <= 0) return undefined;
  const ratio = p95 / base.p95;
  return ratio >= MIN_RATIO && p95 - base.p95 >= MIN_MS ? Math.round(ratio * 100) / 100 : undefined;
}

function moreErrors({ errorShare, count }: RouteAnswer, base: RouteAnswer): number | undefined {
  const more = errorShare - base.errorShare;
  // One error more than before counts as the least that was possible, or a route without errors would deviate by anything.
  const usual = Math.max(base.errorShare, 1 / base.count);
  const deviation = Math.sqrt((usual * (1 - usual)) / count);
  return more >= MIN_SHARE && more >= MIN_DEVIATIONS * deviation
    ? Math.round(more * 1_000) / 1_000
    : undefined;
}

/** Requests that are affected: each counts by how much slower it is, and a failed one as one that is ten times slower. */
const weightOf = ({ now, slower = 1, failing = 0 }: RouteRegression): number =>
  now.count * (slower - 1 + failing * 10);
