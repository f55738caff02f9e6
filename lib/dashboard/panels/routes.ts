import { type ApiHandler, type ApiRouteDefinition } from '../api/api-call.interface.js';
import { exportTrace, importTraces } from './trace/exchange-otlp.js';
import { readHealth } from './health/route.js';
import { readInstruments, readMetric } from './metrics/route.js';
import { readLogs, readOverviewOf, readRoutes, readServices } from './overview/route.js';
import { compareTwoTraces, readOneTrace, readTraces } from './traces/route.js';
import { selectRegion } from './selection/route.js';

/** Every address of the API below `<path>/api/v1/`, save `stream`. */
export const API_ROUTES: readonly ApiRouteDefinition[] = [
  get('services', readServices),
  get('overview', readOverviewOf),
  get('routes', readRoutes),
  get('traces', readTraces),
  get('traces/:', readOneTrace),
  get('traces/:/otlp', exportTrace),
  post('traces/import', importTraces),
  get('compare', compareTwoTraces),
  get('logs', readLogs),
  get('metrics', readInstruments),
  get('metrics/:', readMetric),
  post('selection', selectRegion),
  get('health', readHealth),
];

function get(path: string, handle: ApiHandler): ApiRouteDefinition {
  return { method: 'GET', segments: path.split('/'), handle };
}

function post(path: string, handle: ApiHandler): ApiRouteDefinition {
  return { method: 'POST', segments: path.split('/'), handle };
}
