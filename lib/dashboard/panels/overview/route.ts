import { LOG_LEVELS, type LogLevelName } from '../../reader/telemetry-reader.interface.js';
import { findLogs } from '../../sqlite/queries/find-logs.js';
import { findRoutes } from '../../sqlite/queries/find-routes.js';
import { findServices } from '../../sqlite/queries/find-services.js';
import { readOverview } from '../../sqlite/queries/read-overview.js';
import { type ApiCall } from '../../api/api-call.interface.js';
import {
  type LogAnswer,
  type OverviewAnswer,
  type Page,
  type RouteAnswer,
  type ServiceAnswer,
} from '../../reader/answers.interface.js';
import { readFields, readPartialRange } from '../../api/read-filters.js';
import { readTraceId } from '../../api/query-parameters.js';

const LEVELS = Object.keys(LOG_LEVELS) as LogLevelName[];
/** NestJS's name for handlers that answer every method. */
const ANY_METHOD = 'ALL';

export function readServices({ parts: { store }, query }: ApiCall): Promise<readonly ServiceAnswer[]> {
  const range = query.range();
  return store.ask((database) => findServices(database, range));
}

export function readOverviewOf({ parts: { store }, query }: ApiCall): Promise<OverviewAnswer> {
  const filter = {
    ...query.range(),
    service: query.text('service'),
    buckets: query.integer('buckets', 1, 1_000, 60),
  };
  return store.ask((database) => readOverview(database, filter));
}

export async function readRoutes({ parts: { store }, query }: ApiCall): Promise<readonly RouteAnswer[]> {
  const range = query.range();
  const service = query.text('service');
  return withoutPlaceholders(await store.ask((database) => findRoutes(database, range, service)));
}

/** A route for every method is declared once, and seen as each method it was asked with. */
function withoutPlaceholders(routes: readonly RouteAnswer[]): readonly RouteAnswer[] {
  const keyOf = ({ service, route }: RouteAnswer): string => `${service} ${route}`;
  const declared = new Map(
    routes.filter(({ method }) => method === ANY_METHOD).map((route) => [keyOf(route), route]),
  );
  const seen = new Set(
    routes.filter(({ method, lastSeen }) => method !== ANY_METHOD && lastSeen !== null).map(keyOf),
  );
  return routes
    .filter((route) => route.method !== ANY_METHOD || !seen.has(keyOf(route)))
    .map((route) => {
      const { handler, source } = route.handler === undefined ? (declared.get(keyOf(route)) ?? route) : route;
      return { ...route, handler, source };
    });
}

export function readLogs({ parts: { store }, query }: ApiCall): Promise<Page<LogAnswer>> {
  const traceId = query.text('traceId');
  const filter = {
    ...readPartialRange(query),
    service: query.text('service'),
    level: query.choice('level', LEVELS),
    text: query.search('text'),
    context: query.text('context'),
    fields: readFields(query),
    traceId: traceId === undefined ? undefined : readTraceId(traceId, 'traceId'),
    spanId: query.text('spanId'),
    before: query.text('before'),
    limit: query.integer('limit', 1, 10_000, 100),
  };
  return store.ask((database) => findLogs(database, filter));
}
