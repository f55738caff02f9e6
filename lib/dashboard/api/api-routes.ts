import { type ApiHandler, type ApiRouteDefinition } from './api-call.interface.js';
import { exportTrace, importTraces } from './exchange-traces.js';
import { readHealth } from './read-health.js';
import { readInstruments, readMetric } from './read-metrics.js';
import { readLogs, readOverviewOf, readRoutes, readServices } from './read-summaries.js';
import { compareTwoTraces, readOneTrace, readTraces } from './read-traces.js';
import { selectRegion } from './select-region.js';

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
