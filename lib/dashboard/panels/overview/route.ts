import { exporterReports } from '../../../exporters/exporter-report.js';
import { defineRoutes } from '../../api/route.js';
import { askFindings, askOverview, askRoutes, askServices, askTrends, type OverviewApi } from './query.js';

export const overviewRoutes = defineRoutes<OverviewApi>({
  'GET services': {
    parameters: 'from&to&…',
    doc: '`ServiceAnswer[]`, busiest first.',
    handle: askServices,
  },
  'GET overview': {
    parameters: 'service&method&route&from&to&buckets&…',
    doc: '`OverviewAnswer`: rates, errors and quantiles over time, with the slowest and the newest failed request of each bucket; of a service, of one route, or of all. `buckets`: about how many, 1 to 1000, default 60.',
    handle: askOverview,
  },
  'GET routes': {
    parameters: 'service&from&to&…',
    doc: "`RouteAnswer[]`: every route of the applications, also those without requests, with the handler's `Class.method` and `source`.",
    handle: askRoutes,
  },
  'GET trends': {
    parameters: 'service&from&to&buckets&…',
    doc: '`TrendsPageAnswer`: every service that was called over time, and every route with its p95 over time and how it changed (`failing`, `slower` or `faster`, by the rules of the findings): in the last sixth of the range, or against the time before. `buckets`: at most how many, 1 to 60, default 24.',
    handle: askTrends,
  },
  'GET findings': {
    parameters: 'from&to&…',
    doc: '`FindingsAnswer`: what is wrong, the worst first, at most five of each kind: errors that are new (`new-error`), routes that are worse than before or than in the version before (`failing`, `slower`), jobs that are late (`overdue`), telemetry that was lost (`lost`), and services of which spans are a sample without saying which (`sample`).',
    handle: (call) =>
      askFindings(call, {
        ...call.context.process,
        exporters: exporterReports().map(({ lastError, ...report }) => ({
          ...report,
          lastError: lastError && { message: lastError.message, at: lastError.at.getTime() },
        })),
      }),
  },
});
