import { type Database } from '../database/database.js';
import { COLLECTED_POINTS_KEPT_MS } from '../eviction/evictor.js';
import { MINUTE_MS } from '../writing/minute-points.js';
import { POINT_LEVEL } from '../writing/point-writer.js';
import { type Series } from './find-instruments.js';
import { type TimeRange } from './time-range.interface.js';

/** A longer range is read by the minute. */
const FINE_RANGE_MS = 30 * MINUTE_MS;
/** Minutes are written when they are over, and not at once. */
const MINUTE_LATE_MS = 5_000;

/** One value of a series; see `StoredPoint`. */
export interface PointRow {
  readonly time: number;
  readonly series: number;
  readonly value: number;
  readonly count: number;
  readonly buckets: Uint8Array | null;
}

/** The points of these series in the order of time: as collected for a short range, by the minute for a long one. */
export function readPoints(
  database: Database,
  series: readonly Series[],
  { from, to }: TimeRange,
  now = Date.now(),
): PointRow[] {
  const ids = JSON.stringify(series.map(({ id }) => id));
  const read = (level: number, range: TimeRange): PointRow[] =>
    database.all<PointRow>(
      `SELECT time, series, value, count, buckets FROM points
       WHERE level = ? AND time >= ? AND time < ? AND series IN (SELECT value FROM json_each(?))`,
      level,
      range.from,
      range.to,
      ids,
    );
  if (to - from <= FINE_RANGE_MS && from >= now - COLLECTED_POINTS_KEPT_MS)
    return read(POINT_LEVEL.asCollected, { from, to });
  const complete = Math.floor((now - MINUTE_LATE_MS) / MINUTE_MS) * MINUTE_MS;
  const rest = { from: Math.max(from, complete), to };
  return [
    ...read(POINT_LEVEL.minute, {
      from: Math.floor(from / MINUTE_MS) * MINUTE_MS,
      to: Math.min(to, complete),
    }),
    ...(rest.from < rest.to ? read(POINT_LEVEL.asCollected, rest) : []),
  ];
}
