import { type Database } from '../database/database.js';
import { changeRows, type Tally } from '../database/row-counts.js';
import { ERROR_LEVEL } from '../rows.interface.js';

/** How long rows are deleted in one step; its commit comes on top. A request that comes meanwhile waits for it. */
export const STEP_MS = 1;

/** One change in which rows go. */
export interface Eviction {
  readonly database: Database;
  /** Called with the rows that were deleted. */
  readonly tally: Tally;
  /** To be asked after some rows, never before the first: where finding them takes longer than a step, none would ever go. */
  readonly isTimeUp: () => boolean;
}

/** Rows deleted per statement while the number that is enough is not known. */
export const SOME_ROWS = 200;

/** Lets `work` delete rows for so many milliseconds, as one change. */
export function runEviction<T>(database: Database, milliseconds: number, work: (eviction: Eviction) => T): T {
  const until = performance.now() + milliseconds;
  const isTimeUp = (): boolean => performance.now() >= until;
  return changeRows(database, (tally) => work({ database, tally, isTimeUp }));
}

/** Failed traces and those of exemplars stay longest, but may not take everything. */
const PINNED_SHARE = 0.4;
/** Traces that one statement looks for: a step deletes fewer, and those it does not come to are read again. */
const MAX_AT_ONCE = 50;

/** Spans or lines changed per statement where a trace has more. */
const CHUNK = 256;

/** A trace that goes. */
export interface Victim {
  readonly id: number;
  readonly key: number;
  readonly traceId: Uint8Array;
  readonly route: number;
  readonly pinned: number;
  readonly spans: number;
}

export const VICTIM = 'SELECT id, key, trace_id AS traceId, route, pinned, span_count AS spans FROM traces';

/**
 * Deletes the oldest traces of the routes that have most spans: a noisy route takes nothing from a rare one. Failed and pinned
 * traces go when there are too many of them, or when there is nothing else. Returns how many spans went: fewer than wanted when
 * there are more than one step should delete.
 *
 * @param spans how many have to go
 * @param maxSpans how many there may be
 */
export function evictTraces(eviction: Eviction, spans: number, maxSpans: number): number {
  const { database, isTimeUp } = eviction;
  const pinned = database.one<{ count: number }>('SELECT pinned_spans AS count FROM counters').count;
  const tooManyPinned = Math.min(spans, Math.max(0, pinned - maxSpans * PINNED_SHARE));
  const evict = (isPinned: 0 | 1, wanted: number): number => {
    const column = isPinned === 1 ? 'pinned_spans' : 'spans';
    const groups = database.all<{ id: number; amount: number }>(
      `SELECT id, ${column} AS amount FROM routes WHERE ${column} > 0`,
    );
    let gone = 0;
    for (const [route, share] of allocateEvictions(groups, wanted)) {
      if (gone > 0 && isTimeUp()) break;
      gone += evictOfRoute(eviction, route, isPinned, share);
    }
    return gone;
  };
  if (tooManyPinned >= 1) return evict(1, tooManyPinned);
  return evict(0, spans) || evict(1, spans);
}

/** @param share how many spans have to go */
function evictOfRoute(eviction: Eviction, route: number, isPinned: 0 | 1, share: number): number {
  const sql = `${VICTIM} WHERE route = ? AND pinned = ? ORDER BY start LIMIT ?`;
  const victims = eviction.database.all<Victim>(sql, route, isPinned, Math.min(share, MAX_AT_ONCE));
  let gone = 0;
  for (const victim of victims) {
    if (gone >= share || (gone > 0 && eviction.isTimeUp())) break;
    gone += deleteTrace(eviction, victim);
  }
  return gone;
}

/** Deletes traces that began before that time, in microseconds; returns whether there are more. */
export function evictOldTraces(eviction: Eviction, before: number): boolean {
  const victims = eviction.database.all<Victim>(
    `${VICTIM} WHERE start < ? ORDER BY start LIMIT ?`,
    before,
    MAX_AT_ONCE,
  );
  for (const victim of victims) {
    deleteTrace(eviction, victim);
    if (eviction.isTimeUp()) return true;
  }
  return victims.length > 0;
}

/**
 * Deletes a trace, or the beginning of a large one; its lines stay as long as there is room. Returns how many spans went, or 1.
 *
 * @param as `cleared`: on request, so that the spans do not count as evicted
 */
export function deleteTrace(
  eviction: Eviction,
  victim: Victim,
  as: 'evicted' | 'cleared' = 'evicted',
): number {
  const { database, tally } = eviction;
  const { id, route, pinned } = victim;
  if (!loosenLines(eviction, victim)) return 1;
  const { found: gone, isAll } = deleteSpans(eviction, victim);
  tally.addSpans(route, pinned === 1, -gone);
  if (as === 'evicted') tally.addEvicted(gone);
  if (isAll) {
    database.run('DELETE FROM exemplars WHERE trace = ?', id);
    database.run('DELETE FROM traces WHERE id = ?', id);
  } else database.run('UPDATE traces SET span_count = span_count - ? WHERE id = ?', gone, id);
  // A trace that has lost its spans still was one.
  return Math.max(1, gone);
}

function deleteSpans(eviction: Eviction, { id, spans }: Victim): ReturnType<typeof untilDone> {
  const { database } = eviction;
  if (spans <= CHUNK) return { found: database.run('DELETE FROM spans WHERE trace = ?', id), isAll: true };
  return untilDone(eviction, CHUNK, (limit) =>
    database.run('DELETE FROM spans WHERE id IN (SELECT id FROM spans WHERE trace = ? LIMIT ?)', id, limit),
  );
}

const LINES = `SELECT id FROM logs INDEXED BY logs_by_trace
  WHERE trace_key = ? AND trace_id = ? AND loose = 0 AND level < ? LIMIT ?`;

/** Says of the lines of a trace that it is gone; returns whether of all. */
function loosenLines(eviction: Eviction, { key, traceId }: Victim): boolean {
  const { database } = eviction;
  const { isAll } = untilDone(eviction, CHUNK, (limit) => {
    const lines = database.all<{ id: number }>(LINES, key, traceId, ERROR_LEVEL, limit);
    for (const { id } of lines) database.run('UPDATE logs SET loose = 1 WHERE id = ?', id);
    return lines.length;
  });
  return isAll;
}

/** One of those who have to give. */
interface Holder {
  readonly id: number;
  readonly amount: number;
}

/**
 * Takes `wanted` from the largest holders, down to a common level; a holder below that level keeps everything.
 * Gives how much each has to give.
 */
export function allocateEvictions(holders: readonly Holder[], wanted: number): Map<number, number> {
  const sorted = [...holders].sort((a, b) => b.amount - a.amount);
  let level = 0;
  let sum = 0;
  for (const [index, { amount }] of sorted.entries()) {
    sum += amount;
    const next = sorted[index + 1]?.amount ?? 0;
    level = Math.max(0, (sum - wanted) / (index + 1));
    if (level >= next) break;
  }
  const shares = new Map<number, number>();
  for (const { id, amount } of sorted) {
    const share = Math.ceil(amount - level);
    if (share > 0) shares.set(id, share);
  }
  return shares;
}

/** Does `some` again until it finds less than a chunk, or time is up. Gives how many it found, and whether those were all. */
export function untilDone(
  { isTimeUp }: Eviction,
  size: number,
  some: (limit: number) => number,
): { readonly found: number; readonly isAll: boolean } {
  let found = 0;
  let last: number;
  do {
    last = some(size);
    found += last;
  } while (last === size && !isTimeUp());
  return { found, isAll: last < size };
}
