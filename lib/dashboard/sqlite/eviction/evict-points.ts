import { blockOf, POINT_LEVEL } from '../resolutions.js';
import { type Eviction } from './eviction.js';
import { inChunks } from './in-chunks.js';

/** Of all points, those as collected may be so many; the rest is for the minutes of the hours before. */
const COLLECTED_SHARE = 0.4;
/** Points that go at once. */
const CHUNK = 500;

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
  return !inChunks(eviction, CHUNK, () => deleteOldest(eviction, level, beforeBlock)).isAll;
}

function deleteOldest({ database, tally }: Eviction, level: number, beforeBlock: number): number {
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
