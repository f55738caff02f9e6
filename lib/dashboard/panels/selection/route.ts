import { defineRoutes } from '../../api/route.js';
import { readJson } from '../../http/read-body.js';
import { readSelection, type SelectionApi } from './query.js';

const MAX_BODY = 10_000;

export const selectionRoutes = defineRoutes<SelectionApi>({
  'POST selection': {
    doc: 'Takes a `Selection`; `SelectionAnswer`: what the traces of a region have more often than the others.',
    handle: async ({ reader, request, signal }) =>
      reader.selection(readSelection(await readJson(request, MAX_BODY)), { signal }),
  },
});
