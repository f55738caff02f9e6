import { type Eviction } from './eviction.js';
import { inChunks } from './in-chunks.js';

/** Sums that go at once. */
const CHUNK = 200;

/** Deletes sums of a level of slots before that time, in milliseconds; returns whether there may be more. */
export function evictOldRollups(eviction: Eviction, level: number, before: number): boolean {
  const { isAll } = inChunks(eviction, CHUNK, (limit) =>
    eviction.database.run(
      `DELETE FROM rollups WHERE (level, slot, route, part) IN (SELECT level, slot, route, part FROM rollups
         WHERE level = ? AND slot < ? ORDER BY slot, route, part LIMIT ?)`,
      level,
      before,
      limit,
    ),
  );
  return !isAll;
}
