import type { PanelView } from '../ui/panel-view.js';

/**
 * Every panel of the page, in the order of the header; the first one opens with the page. The header, its keys, the title of the window and
 * the view of an address come from this list. `routes.ts` lists what the server answers. The selection of a region is no view of its
 * own: it opens beside the others.
 */
export const VIEWS: readonly PanelView[] = [
  {
    name: 'overview',
    title: 'Overview',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./overview/view.js'),
  },
  {
    name: 'versions',
    title: 'Before and after',
    inHeader: 'overview',
    usesTimeSpan: true,
    showsAllProcesses: true,
    load: () => import('./versions/view.js'),
  },
  {
    name: 'route',
    title: 'Route',
    inHeader: 'overview',
    usesTimeSpan: true,
    load: () => import('./route/view.js'),
  },
  {
    name: 'traces',
    title: 'Traces',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./traces/view.js'),
  },
  {
    name: 'trace',
    title: 'Trace',
    inHeader: 'traces',
    usesTimeSpan: false,
    load: () => import('./trace/view.js'),
  },
  {
    name: 'compare',
    title: 'Compare',
    inHeader: 'traces',
    usesTimeSpan: false,
    load: () => import('./compare/view.js'),
  },
  {
    name: 'errors',
    title: 'Errors',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./errors/view.js'),
  },
  {
    name: 'map',
    title: 'Map',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./map/view.js'),
  },
  {
    name: 'operations',
    title: 'Operations',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./operations/view.js'),
  },
  {
    name: 'logs',
    title: 'Logs',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./logs/view.js'),
  },
  {
    name: 'metrics',
    title: 'Metrics',
    inHeader: true,
    usesTimeSpan: true,
    showsAllProcesses: 'metrics',
    load: () => import('./metrics/view.js'),
  },
  {
    name: 'runtime',
    title: 'Runtime',
    inHeader: true,
    usesTimeSpan: true,
    load: () => import('./runtime/view.js'),
  },
  {
    name: 'profile',
    title: 'CPU profile',
    inHeader: 'runtime',
    usesTimeSpan: false,
    load: () => import('./profiles/view.js'),
  },
  {
    name: 'health',
    title: 'Health',
    inHeader: true,
    usesTimeSpan: false,
    load: () => import('./health/view.js'),
  },
  {
    name: 'control',
    title: 'Control',
    inHeader: true,
    usesTimeSpan: false,
    load: () => import('./control/view.js'),
  },
];
