import { type Database } from '../database/database.js';

/** Sums that go at once. */
const CHUNK = 200;

/** Deletes sums of a level of slots before that time, in milliseconds; returns whether there may be more. */
export function evictOldRollups(
  database: Database,
  level: number,
  before: number,
  isTimeUp: () => boolean,
): boolean {
  let gone: number;
  do
    gone = database.run(
      `DELETE FROM rollups WHERE (level, slot, route, part) IN (SELECT level, slot, route, part FROM rollups
         WHERE level = ? AND slot < ? ORDER BY slot, route, part LIMIT ?)`,
      level,
      before,
      CHUNK,
    );
  while (gone === CHUNK && !isTimeUp());
  return gone === CHUNK;
}
