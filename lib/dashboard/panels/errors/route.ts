import { defineRoutes } from '../../api/route.js';
import { readExcerpts } from '../../sources/read-excerpts.js';
import { askError, askErrors, type ErrorsApi } from './query.js';

export const errorsRoutes = defineRoutes<ErrorsApi>({
  'GET errors': {
    parameters: 'service&state&route&text&order&from&to&buckets&limit&…',
    doc: '`ErrorListAnswer`: errors by service and fingerprint with count, versions and first and last time, and how many are `new`, `back`, `known` and `gone`. `state`: one of these. `route`: one that failed with it, as `GET /orders/:id`. `text`: part of type, message or fingerprint. `order`: `lastSeen` (default), `firstSeen`, `count` or `state`. `buckets`: about how many, 1 to 200, default 30. `limit`: 1 to 1000, default 200.',
    handle: askErrors,
  },
  'GET errors/:service/:fingerprint': {
    parameters: 'from&to&buckets&…',
    doc: '`ErrorPageAnswer`: one error with its stack, the source around its frames where that is at hand, versions, routes and the newest traces. Of chosen processes the embedded store knows `count`, `counts` and `state` only.',
    // Where there are links to the source, the source may be shown.
    handle: (call) => askError(call, call.context.config.editor === undefined ? undefined : readExcerpts),
  },
});
