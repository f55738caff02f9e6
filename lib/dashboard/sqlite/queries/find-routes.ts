import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { type RouteAnswer } from '../../reader/answers.interface.js';
import { chooseService } from './find-service.js';
import { findSources } from './find-sources.js';
import { chooseRollups, readRollups, secondsOf, SLOTS_OF_TOTAL } from './rollup-range.js';
import { type Total, Totals } from './rollup-totals.js';
import { type Steps } from '../../steps.js';

interface RouteRow {
  readonly id: number;
  readonly service: string;
  readonly method: string;
  readonly route: string;
  readonly handler: string | null;
  readonly lastSeen: number | null;
}

/**
 * What enters services, busiest first: every route that an application has declared, never-hit ones too, and whatever else was
 * seen. Of one service, or of all.
 */
export function* findRoutes(database: Database, range: TimeRange, name?: string): Steps<RouteAnswer[]> {
  const service = chooseService(database, name);
  if (service === undefined) return [];
  const rollups = chooseRollups(range, SLOTS_OF_TOTAL);
  const totals = new Totals();
  yield* readRollups(database, rollups, service.id, (row) => {
    totals.add(row.route, row);
  });
  yield;
  const seconds = secondsOf(rollups);
  const sources = findSources(database);
  return readRoutes(database, service.id)
    .map((row) => ({
      ...describe(row, totals.of(row.id), seconds),
      source: row.handler === null ? undefined : sources(row.service, row.handler),
    }))
    .sort((a, b) => b.count - a.count || a.route.localeCompare(b.route) || a.method.localeCompare(b.method));
}

function readRoutes(database: Database, service: number | undefined): RouteRow[] {
  const sql = `SELECT routes.id, services.name AS service, method, route, handler, routes.last_seen AS lastSeen
    FROM routes JOIN services ON services.id = routes.service
    WHERE is_entry = 1 AND (routes.last_seen IS NOT NULL OR routes.id IN (SELECT route FROM declared_routes))`;
  return service === undefined
    ? database.all<RouteRow>(sql)
    : database.all<RouteRow>(`${sql} AND routes.service = ?`, service);
}

function describe(
  { service, method, route, handler, lastSeen }: RouteRow,
  total: Total,
  seconds: number,
): RouteAnswer {
  const [p50, p95] = total.quantiles([0.5, 0.95]);
  return {
    service,
    method,
    route,
    handler: handler ?? undefined,
    ...total.rates(seconds),
    p50: p50 ?? null,
    p95: p95 ?? null,
    lastSeen,
  };
}
