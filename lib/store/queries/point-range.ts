import { type Database } from '../database/database.js';
import { COLLECTED_POINTS_KEPT_MS } from '../eviction/evictor.js';
import { MINUTE_MS } from '../writing/minute-points.js';
import { BLOCK_MS, blockOf, POINT_LEVEL } from '../writing/point-writer.js';
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

/** The points of these series, each in the order of time: as collected for a short range, by the minute for a long one. */
export function readPoints(
  database: Database,
  series: readonly Series[],
  { from, to }: TimeRange,
  now = Date.now(),
): PointRow[] {
  const ids = JSON.stringify(series.map(({ id }) => id));
  const columns = 'SELECT time, series, value, count, buckets FROM points';
  const readCollected = (range: TimeRange): PointRow[] =>
    database.all<PointRow>(
      `${columns} WHERE level = ? AND block >= ? AND block < ? AND series IN (SELECT value FROM json_each(?))`,
      POINT_LEVEL.asCollected,
      range.from,
      range.to,
      ids,
    );
  const readMinutes = (range: TimeRange): PointRow[] => {
    const blocks: number[] = [];
    for (let block = blockOf(POINT_LEVEL.minute, range.from); block < range.to; block += BLOCK_MS)
      blocks.push(block);
    return database.all<PointRow>(
      `${columns} WHERE level = ? AND block IN (SELECT value FROM json_each(?)) AND series IN (SELECT value FROM json_each(?))
         AND time >= ? AND time < ?`,
      POINT_LEVEL.minute,
      JSON.stringify(blocks),
      ids,
      range.from,
      range.to,
    );
  };
  if (to - from <= FINE_RANGE_MS && from >= now - COLLECTED_POINTS_KEPT_MS)
    return readCollected({ from, to });
  const complete = Math.floor((now - MINUTE_LATE_MS) / MINUTE_MS) * MINUTE_MS;
  const rest = { from: Math.max(from, complete), to };
  return [
    ...readMinutes({ from: Math.floor(from / MINUTE_MS) * MINUTE_MS, to: Math.min(to, complete) }),
    ...(rest.from < rest.to ? readCollected(rest) : []),
  ];
}
