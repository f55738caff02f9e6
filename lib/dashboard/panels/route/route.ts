import { defineRoutes } from '../../api/route.js';
import { askRoute, askRouteSample } from './query.js';
import { type RouteApi } from './route-api.interface.js';

export const routePageRoutes = defineRoutes<RouteApi>({
  'GET route': {
    parameters: 'service&method&route&from&to&…',
    doc: '`RoutePageAnswer`: one route of a service: its figures, how many requests took how long, what each version answered, and what got worse. Without `method`: all of them.',
    handle: askRoute,
  },
  'GET route/sample': {
    parameters: 'service&method&route&from&to&…',
    doc: '`RouteSampleAnswer`: on what the newest requests of a route spend their time beside the slowest (at most 60 and 10, and 4,000 spans), their operations by self time, and the slowest, typical and failed requests.',
    handle: askRouteSample,
  },
});
