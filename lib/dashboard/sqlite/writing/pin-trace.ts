import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';

/** Lets a trace be evicted only when too many are pinned; nothing happens when it is not there. */
export function pinTrace(database: Database, trace: number, tally: Tally): void {
  const found = database.get<{ route: number; spans: number }>(
    'UPDATE traces SET pinned = 1 WHERE id = ? AND pinned = 0 RETURNING route, span_count AS spans',
    trace,
  );
  if (found === undefined) return;
  tally.addSpans(found.route, false, -found.spans);
  tally.addSpans(found.route, true, found.spans);
}
