import { getOrAdd } from '../../get-or-add.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { readCounts, ROLLUP_SLOTS_MS, ROLLUPS_KEPT_MS, valueOfBucket } from '../encoding/buckets.js';
import { FAILED_WORK } from '../writing/failed-work.js';

/** For a chart: more slots cannot be distinguished. */
export const SLOTS_OF_CHART = 180;
/** For one number: then the first and the last slot, which may be part of the range only, weigh little. */
export const SLOTS_OF_TOTAL = 40;

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
  readonly part: number;
  readonly count: number;
  readonly errors: number;
  readonly longest: number;
  readonly buckets: Uint8Array;
}

/** A sum with the slowest in it; times are microseconds, traces are numbers. */
export interface ExemplifiedRow extends RollupRow {
  readonly slowTrace: number | null;
  readonly slowSpan: Uint8Array | null;
  readonly slowStart: number | null;
  readonly slowDuration: number | null;
  readonly failedTrace: number | null;
  readonly failedSpan: Uint8Array | null;
  readonly failedStart: number | null;
  readonly failedDuration: number | null;
}

/** Sums between two looks at the clock. */
const SLICE = 200;

const SUMS = 'route, slot, part, count, errors, longest, buckets';

/** What is read of a sum: it alone, or with the slowest in it. */
const COLUMNS = {
  sums: SUMS,
  exemplified: `${SUMS}, slow_trace AS slowTrace, slow_span AS slowSpan, slow_start AS slowStart, slow_duration AS slowDuration,
    failed_trace AS failedTrace, failed_span AS failedSpan, failed_start AS failedStart, failed_duration AS failedDuration`,
} as const;

interface RowOf {
  readonly sums: RollupRow;
  readonly exemplified: ExemplifiedRow;
}

/** The finest sums that are few enough and still there; the range grows to whole slots. */
export function chooseRollups({ from, to }: TimeRange, maxSlots: number, now = Date.now()): RollupRange {
  const last = ROLLUP_SLOTS_MS.length - 1;
  let level = 0;
  while (
    level < last &&
    ((to - from) / slotOf(level) > maxSlots || from < now - (ROLLUPS_KEPT_MS[level] ?? Infinity))
  )
    level += 1;
  const slot = slotOf(level);
  return { level, slot, from: Math.floor(from / slot) * slot, to: Math.ceil(to / slot) * slot };
}

function slotOf(level: number): number {
  return ROLLUP_SLOTS_MS[level] ?? ROLLUP_SLOTS_MS[ROLLUP_SLOTS_MS.length - 1] ?? 1;
}

/** Of which groups sums are read: requests, messages and runs, or work that failed without failing one of them. */
const GROUPS = {
  entries: 'is_entry = 1',
  failedWork: `is_entry = 0 AND method = '${FAILED_WORK.method}'`,
} as const;

/** Calls `take` with each sum of these groups, of one service or of all. */
export function* readRollups<Columns extends keyof RowOf>(
  columns: Columns,
  groups: keyof typeof GROUPS,
  database: Database,
  { level, from, to }: RollupRange,
  service: number | undefined,
  take: (row: RowOf[Columns]) => void,
): Steps<void> {
  const sql = `SELECT ${COLUMNS[columns]} FROM rollups WHERE level = ? AND (slot, route, part) > (?, ?, ?) AND slot < ?
    AND route IN (SELECT id FROM routes WHERE ${GROUPS[groups]} ${service === undefined ? '' : 'AND service = ?'})
    ORDER BY slot, route, part LIMIT ?`;
  const turn = new TimeSlice();
  for (let last: Pick<RollupRow, 'slot' | 'route' | 'part'> = { slot: from, route: -1, part: -1 }; ;) {
    const values = [level, last.slot, last.route, last.part, to, ...(service === undefined ? [] : [service])];
    const rows = database.all<RowOf[Columns]>(sql, ...values, SLICE);
    rows.forEach(take);
    last = rows.at(-1) ?? last;
    if (rows.length < SLICE) return;
    if (turn.isOverNow()) yield* turn.pass();
  }
}

/** Sums of routes that are looked for without a look at the clock. */
const LOOKUPS = 400;

/** Calls `take` with each sum of these routes, one route after the other: those of others are not even passed over. */
export function* readRollupsOf<Columns extends keyof RowOf>(
  columns: Columns,
  database: Database,
  { level, slot, from, to }: RollupRange,
  routes: readonly number[],
  take: (row: RowOf[Columns]) => void,
): Steps<void> {
  const sql = `SELECT ${COLUMNS[columns]} FROM rollups WHERE level = ? AND slot IN (SELECT value FROM json_each(?))
    AND route IN (SELECT value FROM json_each(?)) ORDER BY route, slot, part`;
  const slots = Array.from({ length: (to - from) / slot }, (_, index) => from + index * slot);
  const width = Math.max(1, Math.floor(LOOKUPS / slots.length));
  const turn = new TimeSlice();
  for (let begin = 0; begin < routes.length; begin += width) {
    const chunk = routes.slice(begin, begin + width);
    const rows = database.all<RowOf[Columns]>(sql, level, JSON.stringify(slots), JSON.stringify(chunk));
    for (const row of rows) {
      take(row);
      if (turn.isOver()) yield* turn.pass();
    }
    if (turn.isOverNow()) yield* turn.pass();
  }
}

/** How many seconds of a range are over. */
export function secondsOf({ from, to }: TimeRange, now = Date.now()): number {
  return Math.max(1, (Math.min(to, now) - from) / 1_000);
}

/** Durations are below 2^53 microseconds. */
const MAX_BUCKETS = 3_072;

interface Rates {
  readonly count: number;
  readonly perSecond: number;
  /** 0 to 1. */
  readonly errorShare: number;
}

/** Several sums together. */
export class Total {
  count = 0;
  errors = 0;
  /** Microseconds. */
  longest = 0;
  private readonly counts = new Float64Array(MAX_BUCKETS);
  private inBuckets = 0;
  private lowest = MAX_BUCKETS;
  private highest = 0;

  add({ count, errors, longest, buckets }: RollupRow): void {
    this.count += count;
    this.errors += errors;
    if (longest > this.longest) this.longest = longest;
    readCounts(buckets, this.addCount);
  }

  /** In milliseconds; null where nothing entered. @param quantiles 0 to 1, rising */
  quantiles(quantiles: readonly number[]): (number | null)[] {
    if (this.inBuckets === 0) return quantiles.map(() => null);
    let bucket = this.lowest;
    let reached = this.counts[bucket] ?? 0;
    return quantiles.map((quantile) => {
      const rank = Math.max(1, Math.ceil(quantile * this.inBuckets));
      while (reached < rank && bucket < this.highest) reached += this.counts[(bucket += 1)] ?? 0;
      return Math.min(valueOfBucket(bucket), this.longest) / 1_000;
    });
  }

  /** Buckets that are not empty, the lowest first. */
  buckets(): (readonly [bucket: number, count: number])[] {
    const buckets: [bucket: number, count: number][] = [];
    for (let bucket = this.lowest; bucket <= this.highest; bucket += 1) {
      const count = this.counts[bucket] ?? 0;
      if (count > 0) buckets.push([bucket, count]);
    }
    return buckets;
  }

  /** Adds all that another one has. */
  merge(other: Total): void {
    this.count += other.count;
    this.errors += other.errors;
    this.longest = Math.max(this.longest, other.longest);
    for (let bucket = other.lowest; bucket <= other.highest; bucket += 1) {
      const count = other.counts[bucket] ?? 0;
      if (count > 0) this.addCount(bucket, count);
    }
  }

  /** Begins again: where thousands are needed one after the other, one is enough. */
  clear(): void {
    this.count = this.errors = this.longest = this.inBuckets = 0;
    if (this.highest >= this.lowest) this.counts.fill(0, this.lowest, this.highest + 1);
    this.lowest = MAX_BUCKETS;
    this.highest = 0;
  }

  /** What it is in so many seconds. */
  rates(seconds: number): Rates {
    const { count, errors } = this;
    return { count, perSecond: count / seconds, errorShare: count === 0 ? 0 : errors / count };
  }

  private readonly addCount = (bucket: number, count: number): void => {
    const index = Math.min(bucket, MAX_BUCKETS - 1);
    this.counts[index] = (this.counts[index] ?? 0) + count;
    this.inBuckets += count;
    if (index < this.lowest) this.lowest = index;
    if (index > this.highest) this.highest = index;
  };
}

/** Several sums together, for each of those they belong to. */
export class Totals {
  private readonly totals = new Map<number, Total>();

  add(owner: number, row: RollupRow): void {
    getOrAdd(this.totals, owner, () => new Total()).add(row);
  }

  of(owner: number): Total {
    return this.totals.get(owner) ?? new Total();
  }
}
