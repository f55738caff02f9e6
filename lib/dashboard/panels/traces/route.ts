import { defineRoutes } from '../../api/route.js';
import { askTraces, type TracesApi } from './query.js';

export const tracesRoutes = defineRoutes<TracesApi>({
  'GET traces': {
    parameters: '…',
    doc: '`Page<TraceSummaryAnswer>`, newest first. See [filters](#filters).',
    handle: askTraces,
  },
});
