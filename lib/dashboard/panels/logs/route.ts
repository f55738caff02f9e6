import { defineRoutes } from '../../api/route.js';
import { askLogs, type LogsApi } from './query.js';

export const logsRoutes = defineRoutes<LogsApi>({
  'GET logs': {
    parameters: '…',
    doc: '`Page<LogAnswer>`, newest first. See [filters](#filters).',
    handle: askLogs,
  },
});
