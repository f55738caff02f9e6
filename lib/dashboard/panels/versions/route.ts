import { defineRoutes } from '../../api/route.js';
import { askComparison, askStarts, type VersionsApi } from './query.js';

export const versionsRoutes = defineRoutes<VersionsApi>({
  'GET starts': {
    parameters: 'from&to&service&…',
    doc: '`StartAnswer[]`: processes that started, the last at the end, with the version of the process of the service before.',
    handle: askStarts,
  },
  'GET comparison': {
    parameters: 'service&by&a&b&from&to&otherFrom',
    doc: '`ComparisonAnswer`: requests, rate, errors and p95 of each route before (`a`) and after (`b`), regressions first. `by=version` (the default): versions `a` and `b` of a service, by default the last change; `by=time`: the range against one of the same length that begins at `otherFrom`, by default the one before.',
    handle: askComparison,
  },
});
