import { defineRoutes } from '../../api/route.js';
import { askOverview, askRoutes, askServices, type OverviewApi } from './query.js';

export const overviewRoutes = defineRoutes<OverviewApi>({
  'GET services': {
    parameters: 'from&to',
    doc: '`ServiceAnswer[]`, busiest first.',
    handle: askServices,
  },
  'GET overview': {
    parameters: 'service&from&to&buckets',
    doc: '`OverviewAnswer`: rates, errors and quantiles over time, with the slowest and the newest failed request of each bucket. `buckets`: about how many, 1 to 1000, default 60.',
    handle: askOverview,
  },
  'GET routes': {
    parameters: 'service&from&to',
    doc: "`RouteAnswer[]`: every route of the applications, also those without requests, with the handler's `Class.method` and `source`.",
    handle: askRoutes,
  },
});
