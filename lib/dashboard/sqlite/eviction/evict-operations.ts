import { MAX_OPERATION_SUMS, OPERATION_SLOTS_MS, OPERATION_SUMS_KEPT_MS } from '../encoding/buckets.js';
import { type Eviction, untilDone } from './evict-traces.js';

/** Sums that one statement deletes. */
const AT_ONCE = 200;

const DELETE_SUMS = `DELETE FROM operation_sums WHERE (level, slot, operation, part) IN
  (SELECT level, slot, operation, part FROM operation_sums WHERE level = ? AND slot < ? ORDER BY slot, operation, part LIMIT ?)`;
/** The slot of the newest sum of a level that is one too many. */
const FIRST_TOO_MANY = `SELECT slot FROM operation_sums WHERE level = ? ORDER BY slot DESC, operation DESC, part DESC LIMIT 1 OFFSET ?`;
const DELETE_OPERATIONS = 'DELETE FROM operations WHERE last_seen < ?';

/**
 * Deletes sums of operations that are too old, and of too many the oldest, and operations that have none; returns whether there may be
 * more.
 *
 * @param before milliseconds since the epoch
 */
export function evictOperations(eviction: Eviction, before: number, now: number): boolean {
  const { database } = eviction;
  for (const [level, keptMs] of OPERATION_SUMS_KEPT_MS.entries()) {
    const tooMany = database.get<{ slot: number }>(FIRST_TOO_MANY, level, MAX_OPERATION_SUMS)?.slot;
    const until = Math.max(before, now - keptMs, tooMany === undefined ? 0 : tooMany + 1);
    const some = (limit: number): number => database.run(DELETE_SUMS, level, until, limit);
    if (!untilDone(eviction, AT_ONCE, some).isAll) return true;
  }
  // A slot of the coarsest level, and what is not noted yet, outlast the age.
  database.run(DELETE_OPERATIONS, before - 2 * Math.max(...OPERATION_SLOTS_MS));
  return false;
}
