import { defineRoutes } from '../../api/route.js';
import { askTraces, type TracesApi } from './query.js';

export const tracesRoutes = defineRoutes<TracesApi>({
  'GET traces': {
    parameters: '…',
    doc: '`Page<TraceSummaryAnswer>`, newest first. See [filters](#filters).',
    handle: askTraces,
  },
  'GET running': {
    doc: '`RunningTraceAnswer[]`: requests, messages and runs of the process that serves the page that have not ended, the longest first.',
    handle: ({ running }) => running(),
  },
});
