import { type Question } from '../../api/question.js';
import { type OverviewAnswer, type RouteAnswer, type ServiceAnswer } from '../../reader/answers.interface.js';
import { type ExporterLosses, findFindings, type FindingsAnswer } from './findings.js';

/** Addresses of the panel, and their answers. */
export interface OverviewApi {
  readonly 'GET services': readonly ServiceAnswer[];
  readonly 'GET overview': OverviewAnswer;
  readonly 'GET routes': readonly RouteAnswer[];
  readonly 'GET findings': FindingsAnswer;
}

/** NestJS's name for handlers that answer every method. */
const ANY_METHOD = 'ALL';

export function askServices({ reader, query, signal }: Question): Promise<OverviewApi['GET services']> {
  return reader.services(query.range(), { signal });
}

export function askOverview({ reader, query, signal }: Question): Promise<OverviewAnswer> {
  const filter = {
    ...query.range(),
    service: query.text('service'),
    buckets: query.integer('buckets', 1, 1_000, 60),
  };
  return reader.overview(filter, { signal });
}

export async function askRoutes({ reader, query, signal }: Question): Promise<OverviewApi['GET routes']> {
  const filter = { ...query.range(), service: query.text('service') };
  return withoutPlaceholders(await reader.routes(filter, { signal }));
}

export function askFindings(
  { reader, query, running, signal }: Question,
  exporters: readonly ExporterLosses[],
): Promise<FindingsAnswer> {
  const now = Date.now();
  const parts = { range: query.range(now), running: running(), exporters, now };
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
