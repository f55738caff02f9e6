import { type ApiRoute } from '../api/route.js';
import { compareRoutes } from './compare/route.js';
import { controlRoutes } from './control/route.js';
import { curlRoutes } from './curl/route.js';
import { errorsRoutes } from './errors/route.js';
import { fieldsRoutes } from './fields/route.js';
import { healthRoutes } from './health/route.js';
import { logsRoutes } from './logs/route.js';
import { mapRoutes } from './map/route.js';
import { metricsRoutes } from './metrics/route.js';
import { operationsRoutes } from './operations/route.js';
import { overviewRoutes } from './overview/route.js';
import { profilesRoutes } from './profiles/route.js';
import { promptRoutes } from './prompt/route.js';
import { routePageRoutes } from './route/route.js';
import { runtimeRoutes } from './runtime/route.js';
import { selectionRoutes } from './selection/route.js';
import { traceRoutes } from './trace/route.js';
import { tracesRoutes } from './traces/route.js';
import { versionsRoutes } from './versions/route.js';

/**
 * Every address of the API below `<path>/api/v1/`, except `stream`, in the order of the docs. A panel is a folder with `query.ts` (what
 * it asks the reader), `route.ts` (its addresses) and `view.tsx` (what the page shows); it is listed here and in `views.ts`.
 */
export const API_ROUTES: readonly ApiRoute[] = [
  ...overviewRoutes,
  ...routePageRoutes,
  ...versionsRoutes,
  ...tracesRoutes,
  ...traceRoutes,
  ...compareRoutes,
  ...errorsRoutes,
  ...promptRoutes,
  ...mapRoutes,
  ...curlRoutes,
  ...operationsRoutes,
  ...logsRoutes,
  ...fieldsRoutes,
  ...metricsRoutes,
  ...runtimeRoutes,
  ...profilesRoutes,
  ...selectionRoutes,
  ...healthRoutes,
  ...controlRoutes,
];
