import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_ROUTE,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from '../../config/semantic-conventions.constants.js';
import { type RequestCountAnswer } from '../reader/answers/traffic.interface.js';
import { type QueryOptions, type TimeRange } from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import { numberColumn, withIncreases } from './reports.js';

const MAX_ROUTES = 5_000;

/** How often each route was called by what its processes counted. */
export function countRequests(
  clickHouse: ClickHouse,
  range: TimeRange,
  options: QueryOptions = {},
): Promise<RequestCountAnswer[]> {
  return clickHouse.rows<RequestCountAnswer>((bind) => {
    const isDuration = `MetricName = '${METRIC_HTTP_SERVER_REQUEST_DURATION}'`;
    const reports = withIncreases(
      bind,
      clickHouse.tables.histograms,
      range,
      [isDuration],
      [numberColumn('Count')],
    );
    return `SELECT toString(ServiceName) AS service, Attributes['${ATTR_HTTP_REQUEST_METHOD}'] AS method,
        Attributes['${ATTR_HTTP_ROUTE}'] AS route, sum(addedCount) AS count
      FROM (${reports}) GROUP BY service, method, route HAVING count > 0 LIMIT ${MAX_ROUTES}`;
  }, options);
}
