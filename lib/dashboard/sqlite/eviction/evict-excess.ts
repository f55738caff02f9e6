import { type RowCounts, readRowCounts } from '../database/row-counts.js';
import { evictLogs } from './evict-logs.js';
import { evictPoints } from './evict-points.js';
import { evictTraces } from './evict-traces.js';
import { type Eviction, SOME_ROWS } from './eviction.js';
import { type StoreLimits } from './limits.interface.js';

/** Once a bound is passed, so much is deleted that it is not passed again at once. */
const DOWN_TO = 0.97;
/** From here on rows go. */
const BYTES_SHARE = 0.92;

/** What there is, or what of it has to go. */
export interface Amounts extends RowCounts {
  readonly bytes: number;
}

/**
 * How much has to go; undefined when nothing has to.
 *
 * @param isEvicting whether something had to go the last time: then it goes on until there is some room below the bound
 */
export function findExcess(
  { spans, logs, points, bytes }: Amounts,
  { maxSpans, maxLogs, maxPoints, maxBytes }: StoreLimits,
  isEvicting: boolean,
): Amounts | undefined {
  const above = (value: number, max: number): number => {
    const bound = isEvicting ? max * DOWN_TO : max;
    return value <= bound ? 0 : value - max * DOWN_TO;
  };
  const excess = {
    spans: above(spans, maxSpans),
    logs: above(logs, maxLogs),
    points: above(points, maxPoints),
    bytes: above(bytes, maxBytes * BYTES_SHARE),
  };
  return Object.values(excess).some((amount) => amount > 0) ? excess : undefined;
}

/** Deletes some of what is above a bound, on rows or on bytes. */
export function evictExcess(eviction: Eviction, excess: Amounts, limits: StoreLimits, now: number): void {
  const { maxSpans, maxPoints } = limits;
  if (excess.points > 0) evictPoints(eviction, maxPoints);
  if (excess.spans > 0) evictTraces(eviction, excess.spans, maxSpans);
  if (excess.logs > 0) evictLogs(eviction, excess.logs, maxSpans, now);
  if (excess.bytes > 0) evictBytes(eviction, maxSpans, now);
}

/** Deletes some of what there is most of: how many bytes a row frees is known when it is gone. */
function evictBytes(eviction: Eviction, maxSpans: number, now: number): void {
  const { spans, logs, points } = readRowCounts(eviction.database);
  if (logs > spans && logs > 0) evictLogs(eviction, SOME_ROWS, maxSpans, now);
  else if (spans > 0) evictTraces(eviction, SOME_ROWS, maxSpans);
  else if (points > 0) evictPoints(eviction, 0);
  else eviction.database.run('DELETE FROM rollups WHERE level < 3');
}
