import { defineRoutes } from '../../api/route.js';
import { askErrors, type ErrorsApi } from './query.js';

export const errorsRoutes = defineRoutes<ErrorsApi>({
  'GET errors': {
    parameters: 'service&from&to',
    doc: '`ErrorsAnswer`: exceptions by type, kind of message and route, newest first, with their count, first and last time and the newest trace. Of the newest 500 failed traces.',
    handle: askErrors,
  },
});
