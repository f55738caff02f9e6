import { defineRoutes } from '../../api/route.js';
import { askStarts, type VersionsApi } from './query.js';

export const versionsRoutes = defineRoutes<VersionsApi>({
  'GET starts': {
    parameters: 'from&to&service',
    doc: '`StartAnswer[]`: processes that started, the last at the end, with the version of the process of the service before.',
    handle: askStarts,
  },
});
