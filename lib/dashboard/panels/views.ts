import type { PanelView } from '../ui/panel-view.js';
import { compareView } from './compare/view.js';
import { errorsView } from './errors/view.js';
import { healthView } from './health/view.js';
import { logsView } from './logs/view.js';
import { metricsView } from './metrics/view.js';
import { overviewView } from './overview/view.js';
import { traceView } from './trace/view.js';
import { tracesView } from './traces/view.js';

/**
 * Every panel of the page, in the order of the header; the first one opens with the page. The header, its keys, the title of the window and
 * the view of an address come from this list. `routes.ts` lists what the server answers. The selection of a region is no view of its
 * own: it opens beside the others.
 */
export const VIEWS: readonly PanelView[] = [
  overviewView,
  tracesView,
  traceView,
  compareView,
  errorsView,
  logsView,
  metricsView,
  healthView,
];
