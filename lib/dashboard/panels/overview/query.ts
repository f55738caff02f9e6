import { type Question } from '../../api/question.js';
import {
  type OverviewAnswer,
  type RouteAnswer,
  type ServiceAnswer,
  type TrendsAnswer,
} from '../../reader/answers/traffic.interface.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { findFindings, type FindingsAnswer, type OwnLosses } from './findings.js';
import { timeBefore } from './regressions.js';
import { describeTrends, type RouteTrend } from './route-changes.js';

/** Services and routes over time, and how each route changed. */
export interface TrendsPageAnswer extends Omit<TrendsAnswer, 'routes'> {
  /** The time before, with which the range is compared. */
  readonly before: TimeRange;
  readonly routes: readonly RouteTrend[];
}

/** Addresses of the panel, and their answers. */
export interface OverviewApi {
  readonly 'GET services': readonly ServiceAnswer[];
  readonly 'GET overview': OverviewAnswer;
  readonly 'GET routes': readonly RouteAnswer[];
  readonly 'GET trends': TrendsPageAnswer;
  readonly 'GET findings': FindingsAnswer;
}

/** NestJS's name for handlers that answer every method. */
const ANY_METHOD = 'ALL';

export function askServices({ reader, query, signal }: Question): Promise<OverviewApi['GET services']> {
  return reader.services({ ...query.range(), ...query.processes() }, { signal });
}

export function askOverview({ reader, query, signal }: Question): Promise<OverviewAnswer> {
  const filter = {
    ...query.range(),
    ...query.processes(),
    service: query.text('service'),
    method: query.text('method'),
    route: query.text('route'),
    buckets: query.integer('buckets', 1, 1_000, 60),
  };
  return reader.overview(filter, { signal });
}

export async function askRoutes({ reader, query, signal }: Question): Promise<OverviewApi['GET routes']> {
  const filter = { ...query.range(), ...query.processes(), service: query.text('service') };
  return withoutPlaceholders(await reader.routes(filter, { signal }));
}

/** The last part of a range, in which a change that has just begun shows. */
const RECENT_SHARE = 1 / 6;

export async function askTrends({ reader, query, signal }: Question): Promise<TrendsPageAnswer> {
  const { from, to } = query.range();
  const choice = { ...query.processes(), service: query.text('service') };
  const before = timeBefore({ from, to });
  const filter = {
    from,
    to,
    ...choice,
    buckets: query.integer('buckets', 1, 60, 24),
    recentFrom: to - (to - from) * RECENT_SHARE,
  };
  const [trends, earlier] = await Promise.all([
    reader.trends(filter, { signal }),
    reader.routes({ ...before, ...choice }, { signal }),
  ]);
  return { ...trends, before, routes: describeTrends(trends.routes, earlier) };
}

export function askFindings(
  { reader, query, running, signal }: Question,
  own: OwnLosses,
): Promise<FindingsAnswer> {
  const now = Date.now();
  const parts = { range: query.range(now), choice: query.processes(), running: running(), own, now };
  return findFindings(reader, parts, { signal });
}

/** A route for every method is declared once, and called with a real method each time. */
function withoutPlaceholders(routes: readonly RouteAnswer[]): readonly RouteAnswer[] {
  const keyOf = ({ service, route }: RouteAnswer): string => `${service} ${route}`;
  const declared = new Map(
    routes.filter(({ method }) => method === ANY_METHOD).map((route) => [keyOf(route), route]),
  );
  const called = new Set(
    routes.filter(({ method, lastSeen }) => method !== ANY_METHOD && lastSeen !== null).map(keyOf),
  );
  return routes
    .filter((route) => route.method !== ANY_METHOD || !called.has(keyOf(route)))
    .map((route) => {
      const { handler, source } = route.handler === undefined ? (declared.get(keyOf(route)) ?? route) : route;
      return { ...route, handler, source };
    });
}
