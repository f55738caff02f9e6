import { defineRoutes } from '../../api/route.js';
import { askFields, type FieldsApi } from './query.js';

export const fieldsRoutes = defineRoutes<FieldsApi>({
  'GET fields': {
    parameters: 'of&service&…',
    doc: '`FieldAnswer[]`: attributes of the latest spans (`of=traces`) or fields of the latest log lines (`of=logs`), each with up to 20 values.',
    handle: askFields,
  },
});
