import { type Database } from '../database/database.js';
import { addCounts } from '../encoding/count-bytes.js';
import { ROLLUPS_KEPT_MS } from '../eviction/evictor.js';
import { ROLLUP_SLOTS_MS } from '../writing/rollups.js';
import { type TimeRange } from './time-range.interface.js';

/** More slots than that are not told apart on any chart. */
const MAX_SLOTS = 180;

/** Which sums to read for a stretch of time, and which stretch they stand for. */
export interface RollupRange extends TimeRange {
  readonly level: number;
  /** Milliseconds. */
  readonly slot: number;
}

/** One sum. Durations are microseconds. */
export interface RollupRow {
  readonly route: number;
  readonly slot: number;
  readonly count: number;
  readonly errors: number;
  readonly longest: number;
  readonly buckets: Uint8Array;
}

/** The finest sums that are few enough and still there; the range grows to whole slots. */
export function chooseRollups({ from, to }: TimeRange, now = Date.now()): RollupRange {
  const last = ROLLUP_SLOTS_MS.length - 1;
  let level = 0;
  while (
    level < last &&
    ((to - from) / slotOf(level) > MAX_SLOTS || from < now - (ROLLUPS_KEPT_MS[level] ?? Infinity))
  )
    level += 1;
  const slot = slotOf(level);
  return { level, slot, from: Math.floor(from / slot) * slot, to: Math.ceil(to / slot) * slot };
}

function slotOf(level: number): number {
  return ROLLUP_SLOTS_MS[level] ?? ROLLUP_SLOTS_MS[ROLLUP_SLOTS_MS.length - 1] ?? 1;
}

/** Sums of what entered, of one service or of all. */
export function readRollups(
  database: Database,
  { level, from, to }: RollupRange,
  service: number | undefined,
): RollupRow[] {
  const sql = `SELECT rollups.route, slot, count, errors, longest, buckets FROM rollups JOIN routes ON routes.id = rollups.route
    WHERE level = ? AND slot >= ? AND slot < ? AND is_entry = 1`;
  return service === undefined
    ? database.all<RollupRow>(sql, level, from, to)
    : database.all<RollupRow>(`${sql} AND service = ?`, level, from, to, service);
}

/** Several sums together. */
export class Total {
  count = 0;
  errors = 0;
  /** Microseconds. */
  longest = 0;
  readonly buckets = new Map<number, number>();

  add({ count, errors, longest, buckets }: RollupRow): void {
    this.count += count;
    this.errors += errors;
    if (longest > this.longest) this.longest = longest;
    addCounts(this.buckets, buckets);
  }
}

/** How many seconds of a range are over. */
export function secondsOf({ from, to }: TimeRange, now = Date.now()): number {
  return Math.max(1, (Math.min(to, now) - from) / 1_000);
}
