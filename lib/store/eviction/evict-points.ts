import { type Database } from '../database/database.js';
import { blockOf, POINT_LEVEL } from '../resolutions.js';
import { type Tally } from '../writing/tally.js';

/** Of all points, those as collected may be so many; the rest is for the minutes of the hours before. */
const COLLECTED_SHARE = 0.4;
/** Points that go at once. */
const CHUNK = 500;

/** Deletes some of the oldest points, of the level that has more than its share; returns how many. */
export function evictPoints(database: Database, maxPoints: number, tally: Tally): number {
  const { asCollected, minute } = POINT_LEVEL;
  const { collected } = database.one<{ collected: number }>('SELECT collected FROM counters');
  const first = collected > maxPoints * COLLECTED_SHARE ? asCollected : minute;
  const gone =
    deleteOldest(database, first, Infinity, tally) ||
    deleteOldest(database, first === minute ? asCollected : minute, Infinity, tally);
  tally.addEvicted(gone);
  return gone;
}

/** Deletes points of a level before that time, in milliseconds, of minutes by the hour; returns whether there may be more. */
export function evictOldPoints(
  database: Database,
  level: number,
  before: number,
  isTimeUp: () => boolean,
  tally: Tally,
): boolean {
  let gone: number;
  do gone = deleteOldest(database, level, blockOf(level, before), tally);
  while (gone === CHUNK && !isTimeUp());
  return gone === CHUNK;
}

function deleteOldest(database: Database, level: number, beforeBlock: number, tally: Tally): number {
  const gone = database.run(
    `DELETE FROM points WHERE (level, block, series, time) IN (SELECT level, block, series, time FROM points
       WHERE level = ? AND block < ? ORDER BY block, series, time LIMIT ?)`,
    level,
    beforeBlock,
    CHUNK,
  );
  tally.addPoints(-gone, level === POINT_LEVEL.asCollected);
  return gone;
}
