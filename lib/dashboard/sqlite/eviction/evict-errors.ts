import { ERRORS_KEPT_MS } from '../encoding/buckets.js';
import { type Eviction } from './evict-traces.js';

/** Applications that make up types or messages have new errors all the time. */
const MAX_ERRORS = 2_000;
/** Errors between two looks at the clock. */
const CHUNK = 20;

const TABLES = ['error_counts', 'error_parts', 'error_samples'] as const;

/** Deletes errors that were not seen for long, and the least recently seen of too many; returns whether there may be more. */
export function evictErrors(eviction: Eviction, maxAgeMs: number, now: number): boolean {
  const { database, isTimeUp } = eviction;
  const before = now - Math.max(maxAgeMs, ERRORS_KEPT_MS);
  const { count } = database.one<{ count: number }>('SELECT count(*) AS count FROM errors');
  for (let left = count; ;) {
    const isTooMany = left > MAX_ERRORS;
    const victims = database.all<{ id: number }>(
      'SELECT id FROM errors WHERE last_seen < ? ORDER BY last_seen, id LIMIT ?',
      isTooMany ? Number.MAX_SAFE_INTEGER : before,
      isTooMany ? Math.min(CHUNK, left - MAX_ERRORS) : CHUNK,
    );
    for (const { id } of victims) {
      for (const table of TABLES) database.run(`DELETE FROM ${table} WHERE error = ?`, id);
      database.run('DELETE FROM errors WHERE id = ?', id);
    }
    left -= victims.length;
    if (victims.length === 0) return false;
    if (isTimeUp()) return true;
  }
}
