import { defineRoutes } from '../../api/route.js';
import { askLogs, askLogVolume, askPatterns, type LogsApi } from './query.js';

export const logsRoutes = defineRoutes<LogsApi>({
  'GET logs': {
    parameters: '…',
    doc: '`Page<LogAnswer>`, newest first. See [filters](#filters).',
    handle: askLogs,
  },
  'GET logs/volume': {
    parameters: 'from&to&service&level&buckets&…',
    doc: '`LogVolumeAnswer`: how many log lines of each level were written over time.',
    handle: askLogVolume,
  },
  'GET logs/patterns': {
    parameters: '…',
    doc: '`LogPatternsAnswer`: the newest lines of a filter, at most 5,000, counted by their messages without numbers, ids and quoted texts; new ones first. Filters as for `logs`.',
    handle: askPatterns,
  },
});
