import { type Database } from '../database/database.js';
import { ERROR_LEVEL } from '../rows.interface.js';
import { forgetLines } from '../words/word-blocks.js';
import { type Tally } from '../writing/tally.js';

/** Lines between two looks at the clock. */
const CHUNK = 128;
/** The trace of a younger line may be on its way. */
const YOUNG_MS = 60_000;

/** Which lines go, the first first. */
const LOOSE = 'SELECT id FROM logs INDEXED BY logs_loose WHERE loose = 1 ORDER BY id';
const OLDEST = 'SELECT id FROM logs ORDER BY time';
const BEFORE = 'SELECT id FROM logs WHERE time < ? ORDER BY time';

/** Deletes the oldest loose lines, see the table; returns how many. */
export function evictLooseLogs(
  database: Database,
  wanted: number,
  isTimeUp: () => boolean,
  tally: Tally,
): number {
  return deleteInChunks(database, LOOSE, wanted, isTimeUp, tally);
}

/**
 * Looks at lines that nobody has looked at yet, the oldest first, for those that name a trace that is not in the store: it was
 * not sampled, or the line came after it was evicted. They are loose. Returns whether there are more.
 */
export function sweepLogs(database: Database, now: number): boolean {
  const { swept } = database.one<{ swept: number }>('SELECT swept FROM counters');
  const lines = database.all<{ id: number; time: number }>(
    'SELECT id, time FROM logs WHERE id > ? ORDER BY id LIMIT ?',
    swept,
    CHUNK,
  );
  const last = lines.findLast(({ time }) => Math.abs(now - time) >= YOUNG_MS)?.id;
  if (last === undefined) return false;
  database.run(
    `UPDATE logs SET loose = 1 WHERE id > ? AND id <= ? AND loose = 0 AND level < ? AND trace_id IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM traces WHERE key = trace_key AND traces.trace_id = logs.trace_id)`,
    swept,
    last,
    ERROR_LEVEL,
  );
  database.run('UPDATE counters SET swept = ?', last);
  return true;
}

/** Deletes the oldest lines, whatever they say; returns how many. */
export function evictOldestLogs(
  database: Database,
  wanted: number,
  isTimeUp: () => boolean,
  tally: Tally,
): number {
  return deleteInChunks(database, OLDEST, wanted, isTimeUp, tally);
}

/** Deletes lines written before that time, in milliseconds; returns whether there may be more. */
export function evictOldLogs(
  database: Database,
  before: number,
  isTimeUp: () => boolean,
  tally: Tally,
): boolean {
  return deleteInChunks(database, BEFORE, Infinity, isTimeUp, tally, before) > 0;
}

/** Deletes a chunk at least, and until time is up. */
function deleteInChunks(
  database: Database,
  choice: string,
  wanted: number,
  isTimeUp: () => boolean,
  tally: Tally,
  ...values: number[]
): number {
  let gone = 0;
  let last: number;
  do {
    last = deleteLogs(database, choice, Math.ceil(Math.min(CHUNK, wanted - gone)), ...values);
    gone += last;
  } while (last > 0 && gone < wanted && !isTimeUp());
  tally.addLogs(-gone);
  tally.addEvicted(gone);
  return gone;
}

function deleteLogs(database: Database, choice: string, limit: number, ...values: number[]): number {
  const lines = database.all<{ id: number }>(
    `DELETE FROM logs WHERE id IN (${choice} LIMIT ?) RETURNING id`,
    ...values,
    limit,
  );
  forgetLines(
    database,
    lines.map(({ id }) => id),
  );
  return lines.length;
}
