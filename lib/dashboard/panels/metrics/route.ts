import { defineRoutes } from '../../api/route.js';
import { askChart, askInstruments, type MetricsApi } from './query.js';

export const metricsRoutes = defineRoutes<MetricsApi>({
  'GET metrics': {
    parameters: 'service',
    doc: '`InstrumentAnswer[]`: every instrument that has reported. Metrics are collected every five seconds.',
    handle: askInstruments,
  },
  'GET metrics/:id': {
    parameters: 'from&to&buckets&filter&group&…',
    doc: '`ChartAnswer`: a counter is a rate per second, a histogram three quantiles. `filter=key:value`, up to ten times; `group=key` for a line (or three) per value.',
    handle: askChart,
  },
});
