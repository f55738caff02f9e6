import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { Portion, type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { readJoinedCounts, ROLLUP_SLOTS_MS, ROLLUPS_KEPT_MS, valueOfBucket } from '../encoding/buckets.js';
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

/** Several sums. Durations are microseconds. */
export interface JoinedSums {
  readonly count: number;
  readonly errors: number;
  readonly longest: number;
  /** To be read by `readJoinedCounts()`. */
  readonly buckets: string;
}

// SQLite adds up: a row that comes to JavaScript costs many times one that does not, and one with a blob twice of that.
const SUMS = `sum(count) AS count, sum(errors) AS errors, max(longest) AS longest, group_concat(hex(buckets)) AS buckets`;

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

type Group = keyof typeof GROUPS;

/** All of a group, of one service or of all. */
interface GroupOfService {
  readonly group: Group;
  readonly service?: number | undefined;
}

/** The numbers of all of a group. */
export function findGroup(database: Database, { group, service }: GroupOfService): number[] {
  const sql = `SELECT id FROM routes WHERE ${GROUPS[group]}`;
  const rows =
    service === undefined
      ? database.all<{ id: number }>(sql)
      : database.all<{ id: number }>(`${sql} AND service = ?`, service);
  return rows.map(({ id }) => id);
}

/** The sums of one slot, and the slowest in each of them. */
export interface SlotSums extends JoinedSums {
  readonly slot: number;
  /** Duration, begin, number of the trace and id of the span of each, as `700 1700000000000000 1 0A`, with commas between; null without any. */
  readonly slowest: string | null;
  /** The same of the slowest that failed. */
  readonly slowestFailed: string | null;
}

const EXEMPLARS = ['slow', 'failed'].map(
  (kind) =>
    // As whole microseconds: of a number with decimals SQLite writes 15 digits.
    `group_concat(${kind}_duration || ' ' || CAST(${kind}_start AS INTEGER) || ' ' || ${kind}_trace || ' ' || hex(${kind}_span))`,
);
const BY_SLOT = `SELECT slot, ${SUMS}, ${EXEMPLARS[0]} AS slowest, ${EXEMPLARS[1]} AS slowestFailed FROM rollups WHERE level = ?`;
const LIST = '(SELECT value FROM json_each(?))';
const BY_SLOT_OF_LIST = `${BY_SLOT} AND slot IN ${LIST} AND route IN ${LIST} GROUP BY slot`;

/**
 * Calls `take` with the sums of each slot, in the order of time; those of a slot may come in several parts.
 *
 * @param of a group, or routes by their numbers
 */
export function* sumBySlot(
  database: Database,
  rollups: RollupRange,
  of: GroupOfService | readonly number[],
  take: (sums: SlotSums) => void,
): Steps<void> {
  const { level, slot, from, to } = rollups;
  const routes = 'group' in of ? findGroup(database, of) : of;
  const turn = new TimeSlice();
  // Of routes times slots: of very many routes a slot is read in parts. After a time without any sum they may all be there.
  const portion = new Portion(1_024, 4_096);
  const read = (begin: number, end: number, some: readonly number[]): SlotSums[] =>
    'group' in of && some === routes
      ? readGroupSums(database, of, { ...rollups, from: begin, to: end })
      : database.all(
          BY_SLOT_OF_LIST,
          level,
          JSON.stringify(listSlots(begin, end, slot)),
          JSON.stringify(some),
        );
  for (let begin = from, done = 0; begin < to && routes.length > 0;) {
    const size = portion.begin();
    const slots = done > 0 ? 0 : Math.floor(size / routes.length);
    const end = Math.min(to, begin + Math.max(1, slots) * slot);
    read(begin, end, slots > 0 ? routes : routes.slice(done, done + size)).forEach(take);
    portion.end();
    done = slots > 0 ? 0 : done + size;
    if (done === 0 || done >= routes.length) {
      begin = end;
      done = 0;
    }
    if (turn.isOverNow()) yield* turn.pass();
  }
}

/** SQLite passes over other groups, which is faster than looking for each of many routes. */
function readGroupSums(
  database: Database,
  { group, service }: GroupOfService,
  { level, from, to }: RollupRange,
): SlotSums[] {
  const [condition, values] = service === undefined ? ['', []] : ['AND service = ?', [service]];
  const sql = `${BY_SLOT} AND slot >= ? AND slot < ?
    AND route IN (SELECT id FROM routes WHERE ${GROUPS[group]} ${condition}) GROUP BY slot`;
  return database.all(sql, level, from, to, ...values);
}

function listSlots(from: number, to: number, length: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / length) }, (_, index) => from + index * length);
}

/** One slot of a level. */
type Place = readonly [level: number, slot: number];

/** The slots that together are a range: where longer ones lie within it, these. */
export function coverRange({ level, from, to }: RollupRange): readonly Place[] {
  const places: Place[] = [];
  for (let at = from; at < to;) {
    const fits = (length: number): boolean => at % length === 0 && at + length <= to;
    const longest = Math.max(level, ROLLUP_SLOTS_MS.findLastIndex(fits));
    places.push([longest, at]);
    at += slotOf(longest);
  }
  return places;
}

/** Of a route. */
export interface RouteSums extends JoinedSums {
  readonly route: number;
}

/** Of a route in one slot. */
export interface RouteSlotSums extends RouteSums {
  readonly slot: number;
}

const BY_ROUTE = `FROM json_each(?) AS place CROSS JOIN rollups
  WHERE level = place.value ->> 0 AND slot = place.value ->> 1 AND route IN ${LIST}`;

/** Calls `take` with the sums of each of these routes that has any over all of the range. */
export function sumByRoute(
  database: Database,
  rollups: RollupRange,
  routes: readonly number[],
  take: (sums: RouteSums) => void,
): Steps<void> {
  const sql = `SELECT route, ${SUMS} ${BY_ROUTE} GROUP BY route`;
  return readByRoute(database, sql, coverRange(rollups), routes, take);
}

/** The same by slot: one route after the other, each in the order of time. */
export function sumByRouteAndSlot(
  database: Database,
  { level, slot, from, to }: RollupRange,
  routes: readonly number[],
  take: (sums: RouteSlotSums) => void,
): Steps<void> {
  const sql = `SELECT route, slot, ${SUMS} ${BY_ROUTE} GROUP BY route, slot`;
  const places = listSlots(from, to, slot).map((at): Place => [level, at]);
  return readByRoute(database, sql, places, routes, take);
}

function* readByRoute<Sums extends RouteSums>(
  database: Database,
  sql: string,
  places: readonly Place[],
  routes: readonly number[],
  take: (sums: Sums) => void,
): Steps<void> {
  const turn = new TimeSlice();
  const portion = new Portion(8, 256);
  const given = JSON.stringify(places);
  for (let begin = 0; begin < routes.length;) {
    const chunk = routes.slice(begin, begin + portion.begin());
    database.all<Sums>(sql, given, JSON.stringify(chunk)).forEach(take);
    portion.end();
    begin += chunk.length;
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

  add({ count, errors, longest, buckets }: JoinedSums): void {
    this.count += count;
    this.errors += errors;
    if (longest > this.longest) this.longest = longest;
    readJoinedCounts(buckets, this.addCount);
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
