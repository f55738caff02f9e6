import { type FieldFilter } from '../reader/telemetry-reader.interface.js';
import { MAX_TIME, type QueryParameters } from './query-parameters.js';

/** What `attribute=key:value` asks for, each time it is given. */
export function readFields(query: QueryParameters): readonly FieldFilter[] {
  return query.pairs('attribute').map(([key, value]) => ({ key, value }));
}

/** `from` and `to`, each as far as it is given: what is asked for by an id is wanted whenever it was. */
export function readPartialRange(query: QueryParameters): { readonly from?: number; readonly to?: number } {
  const from = query.number('from', 0, MAX_TIME);
  const to = query.number('to', 0, MAX_TIME);
  if (from !== undefined && to !== undefined) query.range();
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
