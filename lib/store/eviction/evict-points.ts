import { type Database } from '../database/database.js';
import { blockOf, POINT_LEVEL } from '../writing/point-writer.js';
import { type Tally } from '../writing/tally.js';

/** Of all points, those as collected may be so many; the rest is for the minutes of the hours before. */
const COLLECTED_SHARE = 0.4;
/** Points that go at once. */
const CHUNK = 500;

/** Deletes the oldest points of the level that has more than its share; returns how many. */
export function evictPoints(database: Database, maxPoints: number, tally: Tally): number {
  const { asCollected, minute } = POINT_LEVEL;
  const collected = database.one<{ count: number }>(
    'SELECT count(*) AS count FROM points WHERE level = ?',
    asCollected,
  ).count;
  const first = collected > maxPoints * COLLECTED_SHARE ? asCollected : minute;
  return (
    evictOldest(database, first, tally) ||
    evictOldest(database, first === minute ? asCollected : minute, tally)
  );
}

/** Deletes points of a level before that time, in milliseconds; of minutes whole hours. */
export function evictOldPoints(database: Database, level: number, before: number, tally: Tally): void {
  const block = blockOf(level, before);
  tally.addPoints(-database.run('DELETE FROM points WHERE level = ? AND block < ?', level, block));
}

function evictOldest(database: Database, level: number, tally: Tally): number {
  const last = database.get<{ block: number }>(
    'SELECT block FROM points WHERE level = ? ORDER BY block LIMIT 1 OFFSET ?',
    level,
    CHUNK - 1,
  );
  const gone = database.run(
    'DELETE FROM points WHERE level = ? AND block <= ?',
    level,
    last?.block ?? Number.MAX_SAFE_INTEGER,
  );
  tally.addPoints(-gone);
  tally.addEvicted(gone);
  return gone;
}
