import { getOrAdd } from '../../get-or-add.js';
import { type RouteAnswer, type RouteVersionAnswer } from '../../reader/answers/traffic.interface.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { failsMore, hasEnough, isSlower, type RouteFigures } from '../overview/regressions.js';

/** What a route did on one side of a comparison. */
export interface SideFigures extends RouteFigures {
  readonly perSecond: number;
  /** When it was called: the time to look at for its traces. */
  readonly from: number;
  readonly to: number;
}

/**
 * From the worst: it fails more often, it is slower, it fails less often or is faster, none of these, it was called on one side only, it has
 * fewer than 30 requests on one of the sides. The rules are those of the findings of the overview.
 */
const VERDICTS = ['failing', 'slower', 'better', 'same', 'only-b', 'only-a', 'few'] as const;

export type Verdict = (typeof VERDICTS)[number];

/** One route before and after; undefined where it was not called. */
export interface ComparedRoute {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly verdict: Verdict;
  readonly a: SideFigures | undefined;
  readonly b: SideFigures | undefined;
}

type Named = Pick<RouteAnswer, 'service' | 'method' | 'route'>;

/** Routes by name, with what they did. */
export type Side = ReadonlyMap<string, Named & { readonly figures: SideFigures }>;

const keyOf = ({ service, method, route }: Named): string => JSON.stringify([service, method, route]);

/** The routes of a range. Without those that were not called. */
export function sideOfRange(routes: readonly RouteAnswer[], { from, to }: TimeRange): Side {
  const called = routes.filter(({ count }) => count > 0);
  return new Map(
    called.map(({ service, method, route, count, errorShare, p95, perSecond }) => {
      const figures = { count, errorShare, p95: p95 ?? 0, perSecond, from, to };
      return [keyOf({ service, method, route }), { service, method, route, figures }];
    }),
  );
}

/** The routes of a version, with their rate over the time from its first request to its last. */
export function sideOfVersion(routes: readonly RouteVersionAnswer[], { from, to }: TimeRange): Side {
  const seconds = Math.max(1, (to - from) / 1_000);
  return new Map(
    routes.map(({ service, method, route, count, errorShare, p95, firstSeen, lastSeen }) => {
      const figures = {
        count,
        errorShare,
        p95,
        perSecond: count / seconds,
        from: firstSeen,
        to: lastSeen + 1,
      };
      return [keyOf({ service, method, route }), { service, method, route, figures }];
    }),
  );
}

function judge(a: SideFigures | undefined, b: SideFigures | undefined): Verdict {
  if (a === undefined) return 'only-b';
  if (b === undefined) return 'only-a';
  if (!hasEnough(a, b)) return 'few';
  if (failsMore(a, b)) return 'failing';
  if (isSlower(a, b)) return 'slower';
  return failsMore(b, a) || isSlower(b, a) ? 'better' : 'same';
}

/** How many more fail, or how long all wait more; of what is neither how often it is called. */
function weightOf({ verdict, a, b }: ComparedRoute): number {
  if (a === undefined || b === undefined) return (a ?? b)?.count ?? 0;
  if (verdict === 'failing') return b.count * (b.errorShare - a.errorShare);
  return verdict === 'slower' ? b.count * (b.p95 - a.p95) : b.count;
}

/** All routes of both sides, regressions first, the worst of them first. */
export function compareRoutes(a: Side, b: Side): readonly ComparedRoute[] {
  const all = new Map<string, Named>();
  for (const [key, { service, method, route }] of [...a, ...b])
    getOrAdd(all, key, () => ({ service, method, route }));
  const rankOf = ({ verdict }: ComparedRoute): number => VERDICTS.indexOf(verdict);
  return [...all]
    .map(([key, named]): ComparedRoute => {
      const [before, after] = [a.get(key)?.figures, b.get(key)?.figures];
      return { ...named, verdict: judge(before, after), a: before, b: after };
    })
    .sort((one, other) => rankOf(one) - rankOf(other) || weightOf(other) - weightOf(one));
}
