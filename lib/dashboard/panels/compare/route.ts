import { defineRoutes } from '../../api/route.js';
import { askComparison, type CompareApi } from './query.js';

export const compareRoutes = defineRoutes<CompareApi>({
  'GET compare': {
    parameters: 'a&b',
    doc: '`ComparisonAnswer`: spans of two traces side by side, by the names that lead to them.',
    handle: askComparison,
  },
});
