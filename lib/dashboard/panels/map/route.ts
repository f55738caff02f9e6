import { defineRoutes } from '../../api/route.js';
import { askMap, type MapApi } from './query.js';

export const mapRoutes = defineRoutes<MapApi>({
  'GET map': {
    parameters: 'service&from&to&limit&…',
    doc: '`ServiceMapAnswer`: services, databases, queues and hosts (`nodes`), and the calls between them (`edges`) with count, rate, errors and p95, over the newest traces of the range (`traces`, `spans`, `since`, `complete` say which). `service`: only its edges. `limit`: edges, those with the most calls, 1 to 1000, default 300.',
    handle: askMap,
  },
});
