import { type Database } from '../database/database.js';
import { type Tally } from '../writing/tally.js';
import { shareOut } from './share-out.js';

/** Failed traces and those of exemplars stay longest, but may not take everything. */
const PINNED_SHARE = 0.4;

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
 * traces go when there are too many of them, or when there is nothing else. Returns how many spans went.
 */
export function evictTraces(
  database: Database,
  { spans, maxSpans, isTimeUp }: TraceEviction,
  tally: Tally,
): number {
  const pinned = database.one<{ count: number }>('SELECT pinned_spans AS count FROM counters').count;
  const tooManyPinned = Math.min(spans, Math.max(0, pinned - maxSpans * PINNED_SHARE));
  let gone = 0;
  const evict = (isPinned: 0 | 1, wanted: number): void => {
    const column = isPinned === 1 ? 'pinned_spans' : 'spans';
    const groups = database.all<{ id: number; amount: number }>(
      `SELECT id, ${column} AS amount FROM routes WHERE ${column} > 0`,
    );
    for (const [route, share] of shareOut(groups, wanted)) {
      if (isTimeUp()) return;
      gone += evictOfRoute(route, isPinned, share);
    }
  };
  const evictOfRoute = (route: number, isPinned: 0 | 1, share: number): number => {
    const victims = database.all<Victim>(
      `${VICTIM} WHERE route = ? AND pinned = ? ORDER BY start LIMIT ?`,
      route,
      isPinned,
      Math.min(share, 200),
    );
    let count = 0;
    for (const victim of victims) {
      if (count >= share || isTimeUp()) break;
      count += deleteTrace(database, victim, tally);
    }
    return count;
  };
  if (tooManyPinned >= 1) evict(1, tooManyPinned);
  if (gone < spans) evict(0, spans - gone);
  if (gone < spans && !isTimeUp()) evict(1, spans - gone);
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
