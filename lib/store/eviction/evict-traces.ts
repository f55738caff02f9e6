import { type Database } from '../database/database.js';
import { type Tally } from '../writing/tally.js';
import { shareOut } from './share-out.js';

/** Failed traces and those of exemplars stay longest, but may not take everything. */
const PINNED_SHARE = 0.4;
/** Traces of a route that one step looks at. */
const MAX_AT_ONCE = 200;

interface Victim {
  readonly id: number;
  readonly route: number;
  readonly pinned: number;
}

const VICTIM = 'SELECT id, route, pinned FROM traces';

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
    gone += deleteTrace(database, victim, tally);
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
    deleteTrace(database, victim, tally);
  }
  return victims.length > 0;
}

function deleteTrace(database: Database, { id, route, pinned }: Victim, tally: Tally): number {
  const spans = database.run('DELETE FROM spans WHERE trace = ?', id);
  database.run('DELETE FROM exemplars WHERE trace = ?', id);
  database.run('DELETE FROM traces WHERE id = ?', id);
  tally.addSpans(route, pinned === 1, -spans);
  tally.addEvicted(spans);
  // A trace that has lost its spans still was one.
  return Math.max(1, spans);
}
