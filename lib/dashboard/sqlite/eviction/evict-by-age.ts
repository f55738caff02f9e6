import { COLLECTED_POINTS_KEPT_MS, POINT_LEVEL, ROLLUPS_KEPT_MS } from '../resolutions.js';
import { evictOldLogs } from './evict-logs.js';
import { evictOldPoints } from './evict-points.js';
import { evictOldRollups } from './evict-rollups.js';
import { evictOldTraces } from './evict-traces.js';
import { type Eviction } from './eviction.js';

/** Deletes some of what is too old, and of what is kept coarsely from some age on the fine rows; returns whether there may be more. */
export function evictByAge(eviction: Eviction, maxAgeMs: number, now: number): boolean {
  const { database } = eviction;
  const before = now - maxAgeMs;
  if (evictOldTraces(eviction, before * 1_000)) return true;
  if (evictOldLogs(eviction, before)) return true;
  const collectedBefore = Math.max(before, now - COLLECTED_POINTS_KEPT_MS);
  if (evictOldPoints(eviction, POINT_LEVEL.minute, before)) return true;
  if (evictOldPoints(eviction, POINT_LEVEL.asCollected, collectedBefore)) return true;
  for (const [level, keptMs] of ROLLUPS_KEPT_MS.entries())
    if (evictOldRollups(eviction, level, Math.max(before, now - keptMs))) return true;
  database.run('DELETE FROM exemplars WHERE time < ?', before);
  database.run('DELETE FROM series WHERE last_seen < ?', before);
  database.run(
    'DELETE FROM instruments WHERE NOT EXISTS (SELECT 1 FROM series WHERE instrument = instruments.id)',
  );
  return false;
}
