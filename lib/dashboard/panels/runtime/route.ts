import { defineRoutes } from '../../api/route.js';
import { askCharts, askProcesses, askProcessValues, type RuntimeApi } from './query.js';

export const runtimeRoutes = defineRoutes<RuntimeApi>({
  'GET processes': {
    parameters: 'from&to&…',
    doc: '`ProcessAnswer[]`: the processes that reported CPU, memory or the event loop in the range, the last seen first, at most 200.',
    handle: askProcesses,
  },
  'GET processes/values': {
    parameters: 'service&from&to',
    doc: '`ProcessValuesAnswer`: the versions, environments and processes that have reported, for the [filter by process](#filters).',
    handle: askProcessValues,
  },
  'GET processes/charts': {
    parameters: 'service&instance&traceId&from&to&buckets',
    doc: '`ProcessChartsAnswer`: CPU, memory, garbage collection, event loop, connections and pools of one process over time. `instance` is its `service.instance.id`; in its place, `traceId` names the process of the service in that trace.',
    handle: askCharts,
  },
});
