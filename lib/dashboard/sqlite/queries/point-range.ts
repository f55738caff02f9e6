import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { blockOf, COLLECTED_POINTS_KEPT_MS, MINUTE_MS, POINT_LEVEL } from '../resolutions.js';
import { type Series } from './find-instruments.js';
import { type Steps, Turn } from '../../steps.js';

/** A longer range is read by the minute. */
export const FINE_RANGE_MS = 30 * MINUTE_MS;
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

/** The points of these series, in the order of time or of blocks of time: as collected for a short range, by the minute for a long one. */
export function* readPoints(
  database: Database,
  series: readonly Series[],
  { from, to }: TimeRange,
  now = Date.now(),
): Steps<PointRow[]> {
  const ids = JSON.stringify(series.map(({ id }) => id));
  const { asCollected, minute } = POINT_LEVEL;
  if (to - from <= FINE_RANGE_MS && from >= now - COLLECTED_POINTS_KEPT_MS)
    return yield* readLevel(database, asCollected, ids, { from, to });
  const complete = Math.floor((now - MINUTE_LATE_MS) / MINUTE_MS) * MINUTE_MS;
  const minutes = yield* readLevel(database, minute, ids, {
    from: Math.floor(from / MINUTE_MS) * MINUTE_MS,
    to: Math.min(to, complete),
  });
  const rest = { from: Math.max(from, complete), to };
  if (rest.from >= rest.to) return minutes;
  return minutes.concat(yield* readLevel(database, asCollected, ids, rest));
}

interface PlacedRow extends PointRow {
  readonly block: number;
}

/** Points between two looks at the clock. */
const SLICE = 500;

function* readLevel(
  database: Database,
  level: number,
  series: string,
  { from, to }: TimeRange,
): Steps<PointRow[]> {
  const points: PointRow[] = [];
  const turn = new Turn();
  for (let last = { block: blockOf(level, from), series: -1, time: -1 }; ;) {
    const rows = database.all<PlacedRow>(
      `SELECT block, series, time, value, count, buckets FROM points
       WHERE level = ? AND (block, series, time) > (?, ?, ?) AND block < ? AND series IN (SELECT value FROM json_each(?))
         AND time >= ? AND time < ?
       ORDER BY block, series, time LIMIT ?`,
      level,
      last.block,
      last.series,
      last.time,
      to,
      series,
      from,
      to,
      SLICE,
    );
    for (const row of rows) points.push(row);
    last = rows.at(-1) ?? last;
    if (rows.length < SLICE) return points;
    if (turn.isOverNow()) yield* turn.pass();
  }
}
