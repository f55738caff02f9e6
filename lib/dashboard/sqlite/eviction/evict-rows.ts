import { type Database } from '../database/database.js';
import { readRowCounts } from '../database/row-counts.js';
import { blockOf, POINT_LEVEL } from '../encoding/buckets.js';
import { removeLines } from '../full-text.js';
import { ERROR_LEVEL } from '../rows.interface.js';
import { type Eviction, evictTraces, SOME_ROWS, untilDone } from './evict-traces.js';

/** Lines between two looks at the clock. */
const LINES_AT_ONCE = 128;
/** The trace of a younger line may be on its way. */
const YOUNG_MS = 60_000;

/** Which lines go, the first first. */
const LOOSE = 'SELECT id FROM logs INDEXED BY logs_loose WHERE loose = 1 ORDER BY id';
const OLDEST = 'SELECT id FROM logs ORDER BY time';
const BEFORE = 'SELECT id FROM logs WHERE time < ? ORDER BY time';
const LOOSEN = `UPDATE logs SET loose = 1 WHERE id > ? AND id <= ? AND loose = 0 AND level < ? AND trace_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM traces WHERE key = trace_key AND traces.trace_id = logs.trace_id)`;

/**
 * Deletes some lines: the oldest loose ones, see the table, then with their traces those that belong to one, then the oldest.
 * Each line is read once at most before it is deleted, however many are kept.
 */
export function evictLogs(
  eviction: Eviction,
  wanted: number,
  maxSpans: number,
  sweep: LineSweep,
  now: number,
): void {
  const { database } = eviction;
  if (deleteLogs(eviction, LOOSE, wanted) > 0 || sweep.run(database, now)) return;
  // Every line belongs to a trace, is an error, or is too young to decide: traces go, and their lines with the next step.
  const { spans, logs } = readRowCounts(database);
  const some = Math.min(wanted, SOME_ROWS);
  const share = Math.ceil((some / Math.max(1, logs)) * spans);
  const gone = spans > 0 && evictTraces(eviction, share, maxSpans) > 0;
  if (!gone || deleteLogs(eviction, LOOSE, some) === 0) evictOldestLogs(eviction, some);
}

/** Deletes the oldest lines, whatever they say. */
export function evictOldestLogs(eviction: Eviction, wanted: number): void {
  deleteLogs(eviction, OLDEST, wanted);
}

/** Deletes lines written before that time, in milliseconds; returns whether there may be more. */
export function evictOldLogs(eviction: Eviction, before: number): boolean {
  return deleteLogs(eviction, BEFORE, Infinity, before) > 0;
}

/** Checks lines that were not checked yet, the oldest first, for those that name a trace that is not in the store. */
export class LineSweep {
  /** Until then, in milliseconds, the lines that come next are too young. They were read at `readAt`. */
  private youngUntil = 0;
  private readAt = 0;

  /**
   * Marks some of those lines as loose: their trace was not sampled, or they came after it was evicted. Returns whether there are
   * more. Lines that were too young are not read again before one of them is old enough.
   *
   * @param now milliseconds
   */
  run(database: Database, now: number): boolean {
    if (now >= this.readAt && now < this.youngUntil) return false;
    const { swept } = database.one<{ swept: number }>('SELECT swept FROM counters');
    const sql = 'SELECT id, time FROM logs WHERE id > ? ORDER BY id LIMIT ?';
    const lines = database.all<{ id: number; time: number }>(sql, swept, LINES_AT_ONCE);
    const last = lines.findLast(({ time }) => Math.abs(now - time) >= YOUNG_MS)?.id;
    if (last === undefined) {
      this.readAt = now;
      // Of fewer lines than these, the next may be an old one.
      this.youngUntil =
        lines.length < LINES_AT_ONCE ? 0 : Math.min(...lines.map(({ time }) => time)) + YOUNG_MS;
      return false;
    }
    database.run(LOOSEN, swept, last, ERROR_LEVEL);
    database.run('UPDATE counters SET swept = ?', last);
    return true;
  }
}

/** Deletes a chunk at least, and until time is up; returns how many lines went. */
function deleteLogs(
  { database, tally, isTimeUp }: Eviction,
  choice: string,
  wanted: number,
  ...values: number[]
): number {
  let gone = 0;
  let last: number;
  do {
    last = deleteChunk(database, choice, Math.ceil(Math.min(LINES_AT_ONCE, wanted - gone)), ...values);
    gone += last;
  } while (last > 0 && gone < wanted && !isTimeUp());
  tally.addLogs(-gone);
  tally.addEvicted(gone);
  return gone;
}

function deleteChunk(database: Database, choice: string, limit: number, ...values: number[]): number {
  const sql = `DELETE FROM logs WHERE id IN (${choice} LIMIT ?) RETURNING id`;
  const lines = database.all<{ id: number }>(sql, ...values, limit).map(({ id }) => id);
  removeLines(database, lines);
  return lines.length;
}

/** Of all points, those as collected may be so many; the rest is for the minutes of the hours before. */
const COLLECTED_SHARE = 0.4;
/** Points that one statement deletes. */
const POINTS_AT_ONCE = 500;

const DELETE_POINTS = `DELETE FROM points WHERE (level, block, series, time) IN (SELECT level, block, series, time FROM points
  WHERE level = ? AND block < ? ORDER BY block, series, time LIMIT ?)`;

/** Deletes some of the oldest points, of the level that has more than its share. */
export function evictPoints(eviction: Eviction, maxPoints: number): void {
  const { asCollected, minute } = POINT_LEVEL;
  const { collected } = eviction.database.one<{ collected: number }>('SELECT collected FROM counters');
  const first = collected > maxPoints * COLLECTED_SHARE ? asCollected : minute;
  const gone =
    deleteOldest(eviction, first, Infinity) ||
    deleteOldest(eviction, first === minute ? asCollected : minute, Infinity);
  eviction.tally.addEvicted(gone);
}

/** Deletes points of a level before that time, in milliseconds, of minutes by the hour; returns whether there may be more. */
export function evictOldPoints(eviction: Eviction, level: number, before: number): boolean {
  const beforeBlock = blockOf(level, before);
  return !untilDone(eviction, POINTS_AT_ONCE, () => deleteOldest(eviction, level, beforeBlock)).isAll;
}

function deleteOldest({ database, tally }: Eviction, level: number, beforeBlock: number): number {
  const gone = database.run(DELETE_POINTS, level, beforeBlock, POINTS_AT_ONCE);
  tally.addPoints(-gone, level === POINT_LEVEL.asCollected);
  return gone;
}

/** Rows of processes that one statement deletes. */
const PROCESS_ROWS_AT_ONCE = 200;

const DELETE_PROCESS_ROWS = `DELETE FROM process_rows WHERE (level, resource, time) IN (SELECT level, resource, time FROM process_rows
  WHERE level = ? AND time < ? ORDER BY time, resource LIMIT ?)`;

/** Deletes what processes said of themselves before that time, in milliseconds; returns whether there may be more. */
export function evictOldProcessRows(eviction: Eviction, level: number, before: number): boolean {
  const some = (limit: number): number => eviction.database.run(DELETE_PROCESS_ROWS, level, before, limit);
  return !untilDone(eviction, PROCESS_ROWS_AT_ONCE, some).isAll;
}

/** Processes whose health is kept: of those that start and end all the time, the last. */
const MAX_PROCESS_HEALTH = 200;

/** Deletes the health of processes that were last seen before that time, in milliseconds, and of more than are kept. */
export function evictProcessHealth({ database }: Eviction, before: number): void {
  database.run('DELETE FROM process_health WHERE last_seen < ?', before);
  database.run(
    'DELETE FROM process_health WHERE resource IN (SELECT resource FROM process_health ORDER BY last_seen DESC LIMIT -1 OFFSET ?)',
    MAX_PROCESS_HEALTH,
  );
}

/** Sums that one statement deletes. */
const SUMS_AT_ONCE = 200;

const DELETE_SUMS = `DELETE FROM rollups WHERE (level, slot, route, part) IN (SELECT level, slot, route, part FROM rollups
  WHERE level = ? AND slot < ? ORDER BY slot, route, part LIMIT ?)`;

const DELETE_VERSION_SUMS = `DELETE FROM version_sums WHERE (slot, route, version, part) IN
  (SELECT slot, route, version, part FROM version_sums WHERE slot < ? ORDER BY slot, route, version, part LIMIT ?)`;

/** Deletes what versions answered on days that began before that time, in milliseconds; returns whether there may be more. */
export function evictOldVersionSums(eviction: Eviction, before: number): boolean {
  const some = (limit: number): number => eviction.database.run(DELETE_VERSION_SUMS, before, limit);
  return !untilDone(eviction, SUMS_AT_ONCE, some).isAll;
}

/** Deletes sums of a level of slots before that time, in milliseconds; returns whether there may be more. */
export function evictOldRollups(eviction: Eviction, level: number, before: number): boolean {
  const some = (limit: number): number => eviction.database.run(DELETE_SUMS, level, before, limit);
  return !untilDone(eviction, SUMS_AT_ONCE, some).isAll;
}
