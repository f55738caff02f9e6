/** How finely sums and points are kept, and for how long. What writes, what evicts and what asks must agree on it. */

export const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** How long the slots of each level are, in milliseconds: the finest for the last minutes, the coarsest for days. */
export const ROLLUP_SLOTS_MS = [10_000, MINUTE_MS, 600_000, HOUR_MS] as const;
/** How long the sums of each level stay: whoever looks further back looks at coarse ones. */
export const ROLLUPS_KEPT_MS = [HOUR_MS, 6 * HOUR_MS, 48 * HOUR_MS, Infinity] as const;

/** A point as it comes, and the sum of those of a minute. */
export const POINT_LEVEL = { asCollected: 0, minute: 1 } as const;
export const COLLECTED_POINTS_KEPT_MS = 2 * HOUR_MS;
export const BLOCK_MS = HOUR_MS;

/** Among which rows a point is written. */
export function blockOf(level: number, time: number): number {
  return level === POINT_LEVEL.minute ? Math.floor(time / BLOCK_MS) * BLOCK_MS : time;
}
