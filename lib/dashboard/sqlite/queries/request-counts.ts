import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_ROUTE,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from '../../../config/semantic-conventions.constants.js';
import { type RequestCountAnswer } from '../../reader/answers/traffic.interface.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { MINUTE_MS, POINT_LEVEL } from '../encoding/buckets.js';

/** Series are found once, and not for each minute. */
const SERIES = `SELECT series.id, services.name AS service, series.attributes ->> ? AS method, series.attributes ->> ? AS route
  FROM series JOIN instruments ON instruments.id = series.instrument JOIN services ON services.id = instruments.service
  WHERE instruments.name = ? AND instruments.type = 'histogram'`;
const COUNTS = `SELECT series, sum(count) AS count FROM points WHERE level = ${POINT_LEVEL.asCollected} AND block >= ? AND block < ?
  AND series IN (SELECT value FROM json_each(?)) GROUP BY series`;

interface SeriesRow {
  readonly id: number;
  readonly service: string;
  readonly method: string | null;
  readonly route: string | null;
}

/** How often each route was called by what its process counted, as long as points are stored as they were collected. */
export function* countRequests(database: Database, { from, to }: TimeRange): Steps<RequestCountAnswer[]> {
  const path = (key: string): string => `$.${JSON.stringify(key)}`;
  const series = database.all<SeriesRow>(
    SERIES,
    path(ATTR_HTTP_REQUEST_METHOD),
    path(ATTR_HTTP_ROUTE),
    METRIC_HTTP_SERVER_REQUEST_DURATION,
  );
  const byId = new Map(series.map((row) => [row.id, row]));
  const ids = JSON.stringify([...byId.keys()]);
  const counts = new Map<string, RequestCountAnswer>();
  const turn = new TimeSlice();
  for (let begin = from; begin < to && byId.size > 0; begin += MINUTE_MS) {
    const rows = database.all<{ series: number; count: number }>(
      COUNTS,
      begin,
      Math.min(to, begin + MINUTE_MS),
      ids,
    );
    for (const row of rows) {
      const { service = '', method, route } = byId.get(row.series) ?? {};
      const key = JSON.stringify([service, method, route]);
      const count = (counts.get(key)?.count ?? 0) + row.count;
      counts.set(key, { service, method: method ?? '', route: route ?? '', count });
    }
    if (turn.isOverNow()) yield* turn.pass();
  }
  return [...counts.values()].filter(({ count }) => count > 0);
}
