import { defineRoutes } from '../../api/route.js';
import { askOperations, type OperationsApi } from './query.js';

export const operationsRoutes = defineRoutes<OperationsApi>({
  'GET operations': {
    parameters: 'service&kind&order&from&to&limit&…',
    doc: '`OperationListAnswer`: statements, calls, methods and what enters, added up over all traces of the range, to whole minutes (`traces`, `spans`, `since`, `complete` say which). `kind`: `request`, `message`, `job`, `method`, `statement`, `call` or `send`. `order`: `selfMs` (default), `count`, `errors`, `p95` or `perTrace`. `limit`: 1 to 1000, default 200.',
    handle: askOperations,
  },
});
