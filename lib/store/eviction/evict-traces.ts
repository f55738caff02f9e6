import { type Database } from '../database/database.js';
import { ERROR_LEVEL } from '../rows.interface.js';
import { type Tally } from '../writing/tally.js';
import { shareOut } from './share-out.js';

/** Failed traces and those of exemplars stay longest, but may not take everything. */
const PINNED_SHARE = 0.4;
/** Traces of a route that one step looks at. */
const MAX_AT_ONCE = 50;

/** Spans or lines that are changed at once where a trace has more. */
const CHUNK = 256;

interface Victim {
  readonly id: number;
  readonly key: number;
  readonly traceId: Uint8Array;
  readonly route: number;
  readonly pinned: number;
  readonly spans: number;
}

const VICTIM = 'SELECT id, key, trace_id AS traceId, route, pinned, span_count AS spans FROM traces';

export interface TraceEviction {
  /** How many spans have to go. */
  readonly spans: number;
  /** How many there may be. */
  readonly maxSpans: number;
  /** Whether to stop before everything is done. */
  readonly isTimeUp: () => boolean;
}

/**
 * Deletes the oldest traces of the routes that have most spans: a noisy route takes nothing from a rare one. Failed and pinned
 * traces go when there are too many of them, or when there is nothing else. Returns how many spans went: fewer than wanted when
 * there are more than one step should delete.
 */
export function evictTraces(
  database: Database,
  { spans, maxSpans, isTimeUp }: TraceEviction,
  tally: Tally,
): number {
  const pinned = database.one<{ count: number }>('SELECT pinned_spans AS count FROM counters').count;
  const tooManyPinned = Math.min(spans, Math.max(0, pinned - maxSpans * PINNED_SHARE));
  const evict = (isPinned: 0 | 1, wanted: number): number => {
    const column = isPinned === 1 ? 'pinned_spans' : 'spans';
    const groups = database.all<{ id: number; amount: number }>(
      `SELECT id, ${column} AS amount FROM routes WHERE ${column} > 0`,
    );
    let gone = 0;
    for (const [route, share] of shareOut(groups, wanted)) {
      if (isTimeUp()) break;
      gone += evictOfRoute(database, { route, isPinned, share, isTimeUp }, tally);
    }
    return gone;
  };
  if (tooManyPinned >= 1) return evict(1, tooManyPinned);
  return evict(0, spans) || evict(1, spans);
}

interface RouteEviction {
  readonly route: number;
  readonly isPinned: 0 | 1;
  /** How many spans have to go. */
  readonly share: number;
  readonly isTimeUp: () => boolean;
}

function evictOfRoute(
  database: Database,
  { route, isPinned, share, isTimeUp }: RouteEviction,
  tally: Tally,
): number {
  const victims = database.all<Victim>(
    `${VICTIM} WHERE route = ? AND pinned = ? ORDER BY start LIMIT ?`,
    route,
    isPinned,
    Math.min(share, MAX_AT_ONCE),
  );
  let gone = 0;
  for (const victim of victims) {
    if (gone >= share || isTimeUp()) break;
    gone += deleteTrace(database, victim, isTimeUp, tally);
  }
  return gone;
}

/** Deletes traces that began before that time, in microseconds; returns whether there are more. */
export function evictOldTraces(
  database: Database,
  before: number,
  isTimeUp: () => boolean,
  tally: Tally,
): boolean {
  const victims = database.all<Victim>(`${VICTIM} WHERE start < ? ORDER BY start LIMIT 200`, before);
  for (const victim of victims) {
    if (isTimeUp()) return true;
    deleteTrace(database, victim, isTimeUp, tally);
  }
  return victims.length > 0;
}

/** Deletes a trace, or the beginning of a large one; its lines stay as long as there is room. Returns how many spans went, or 1. */
function deleteTrace(database: Database, victim: Victim, isTimeUp: () => boolean, tally: Tally): number {
  const { id, route, pinned } = victim;
  if (!loosenLines(database, victim, isTimeUp)) return 1;
  const { gone, isAll } = deleteSpans(database, victim, isTimeUp);
  tally.addSpans(route, pinned === 1, -gone);
  tally.addEvicted(gone);
  if (isAll) {
    database.run('DELETE FROM exemplars WHERE trace = ?', id);
    database.run('DELETE FROM traces WHERE id = ?', id);
  } else database.run('UPDATE traces SET span_count = span_count - ? WHERE id = ?', gone, id);
  // A trace that has lost its spans still was one.
  return Math.max(1, gone);
}

function deleteSpans(
  database: Database,
  { id, spans }: Victim,
  isTimeUp: () => boolean,
): { readonly gone: number; readonly isAll: boolean } {
  if (spans <= CHUNK) return { gone: database.run('DELETE FROM spans WHERE trace = ?', id), isAll: true };
  let gone = 0;
  let last: number;
  do {
    last = database.run(
      'DELETE FROM spans WHERE id IN (SELECT id FROM spans WHERE trace = ? LIMIT ?)',
      id,
      CHUNK,
    );
    gone += last;
  } while (last === CHUNK && !isTimeUp());
  return { gone, isAll: last < CHUNK };
}

/** Says of the lines of a trace that it is gone; returns whether of all. */
function loosenLines(database: Database, { key, traceId }: Victim, isTimeUp: () => boolean): boolean {
  let ids: { readonly id: number }[];
  do {
    ids = database.all<{ id: number }>(
      `SELECT id FROM logs INDEXED BY logs_by_trace
       WHERE trace_key = ? AND trace_id = ? AND loose = 0 AND level < ? LIMIT ?`,
      key,
      traceId,
      ERROR_LEVEL,
      CHUNK,
    );
    for (const { id } of ids) database.run('UPDATE logs SET loose = 1 WHERE id = ?', id);
  } while (ids.length === CHUNK && !isTimeUp());
  return ids.length < CHUNK;
}
