import { getOrAdd } from '../../get-or-add.js';
import { type Database, type SqlValue } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { BucketCounts } from '../encoding/bucket-counts.js';
import { ROLLUP_SLOTS_MS, valueBucket } from '../encoding/buckets.js';
import { IdBytes } from '../encoding/ids.js';
import { pinTrace } from './span-writer.js';

/** The slowest of each minute stays in the store, as long as there is room for what is pinned. */
const PINNING_LEVEL = 1;

/** What entered a service: a request, a message, a run. */
export interface Entry {
  readonly route: number;
  /** Number of its trace. */
  readonly trace: number;
  readonly idHigh: number;
  readonly idLow: number;
  /** Microseconds. */
  readonly start: number;
  /** Microseconds. */
  readonly duration: number;
  readonly failed: boolean;
  /** How many it stands for. */
  readonly weight: number;
}

/** What entered by a route in one slot of time. */
export class Rollup {
  count = 0;
  errors = 0;
  /** Microseconds. */
  longest = 0;
  isDirty = true;
  slowest: Entry | undefined;
  slowestFailed: Entry | undefined;
  pinned: Entry | undefined;
  readonly buckets = new BucketCounts();

  constructor(
    readonly level: number,
    readonly slot: number,
    readonly route: number,
    readonly part: number,
  ) {}

  add(entry: Entry): void {
    const { duration, weight } = entry;
    this.count += weight;
    if (duration > this.longest) this.longest = duration;
    this.buckets.add(valueBucket(duration), weight);
    if (entry.failed) {
      this.errors += weight;
      this.slowestFailed = slowerOf(this.slowestFailed, entry);
    } else this.slowest = slowerOf(this.slowest, entry);
  }

  /** Adds what came later. */
  addAll({ count, errors, longest, slowest, slowestFailed, buckets }: Rollup): void {
    this.count += count;
    this.errors += errors;
    if (longest > this.longest) this.longest = longest;
    this.buckets.addAll(buckets);
    this.slowest = slowerOf(this.slowest, slowest);
    this.slowestFailed = slowerOf(this.slowestFailed, slowestFailed);
    this.isDirty = true;
  }
}

/** Of equal ones the later. */
function slowerOf(before: Entry | undefined, later: Entry | undefined): Entry | undefined {
  return later !== undefined && later.duration >= (before?.duration ?? 0) ? later : before;
}

const INSERT = `INSERT OR REPLACE INTO rollups (level, slot, route, part, count, errors, longest, buckets,
  slow_trace, slow_span, slow_start, slow_duration, failed_trace, failed_span, failed_start, failed_duration)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/**
 * Adds up what enters by route and time, so that rates and quantiles of a day are known when most of its spans are evicted.
 * Each process, and each time it begins a slot, has its own row: no process reads what others wrote.
 */
export class Rollups {
  private readonly open = new Map<string, Rollup>();
  /** What came by each route since it was last added to `open`, in one slot of the finest level. */
  private readonly waiting = new Map<number, Rollup>();
  private readonly slowId = new IdBytes();
  private readonly failedId = new IdBytes();

  add(entry: Entry): void {
    const [length] = ROLLUP_SLOTS_MS;
    const slot = Math.floor(entry.start / 1_000 / length) * length;
    const { route } = entry;
    let rollup = this.waiting.get(route);
    if (rollup?.slot !== slot) {
      if (rollup !== undefined) this.addToLevels(rollup);
      rollup = new Rollup(0, slot, route, 0);
      this.waiting.set(route, rollup);
    }
    rollup.add(entry);
  }

  /** Whether there is something to write. */
  get isDirty(): boolean {
    if (this.waiting.size > 0) return true;
    for (const rollup of this.open.values()) if (rollup.isDirty) return true;
    return false;
  }

  /**
   * Writes what has changed until time is up, and pins the traces that charts will point to. Returns what to `settle()` when that is
   * there for good; the rest has its turn with the next call.
   */
  write(database: Database, tally: Tally, isTimeUp: () => boolean): readonly Rollup[] {
    for (const rollup of this.waiting.values()) this.addToLevels(rollup);
    this.waiting.clear();
    const written: Rollup[] = [];
    for (const rollup of this.open.values()) {
      if (!rollup.isDirty) continue;
      if (isTimeUp()) break;
      this.writeOne(rollup, database, tally);
      written.push(rollup);
    }
    return written;
  }

  /** Slots that are over are forgotten, and so are those of clocks that are ahead: they would never be over. */
  settle(written: readonly Rollup[], now: number): void {
    for (const rollup of written) {
      rollup.isDirty = false;
      rollup.pinned = rollup.slowest;
      const key = keyOf(rollup);
      // Behind those that still wait.
      this.open.delete(key);
      this.open.set(key, rollup);
    }
    for (const [key, { isDirty, slot, level }] of this.open)
      if (!isDirty && Math.abs(now - slot) > 2 * (ROLLUP_SLOTS_MS[level] ?? 0)) this.open.delete(key);
  }

  private addToLevels(sum: Rollup): void {
    const { route } = sum;
    ROLLUP_SLOTS_MS.forEach((length, level) => {
      const slot = Math.floor(sum.slot / length) * length;
      const rollup = getOrAdd(this.open, keyOf({ level, slot, route }), () => {
        const part = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
        return new Rollup(level, slot, route, part);
      });
      rollup.addAll(sum);
    });
  }

  private writeOne(rollup: Rollup, database: Database, tally: Tally): void {
    const { level, slot, route, part, count, errors, longest, slowest } = rollup;
    const buckets = rollup.buckets.encode();
    const exemplars = [
      ...exemplarOf(slowest, this.slowId),
      ...exemplarOf(rollup.slowestFailed, this.failedId),
    ];
    database.run(INSERT, level, slot, route, part, count, errors, longest, buckets, ...exemplars);
    if (level === PINNING_LEVEL && slowest !== undefined && slowest !== rollup.pinned)
      pinTrace(database, slowest.trace, tally);
  }
}

function keyOf({ level, slot, route }: Pick<Rollup, 'level' | 'slot' | 'route'>): string {
  return `${level} ${slot} ${route}`;
}

function exemplarOf(entry: Entry | undefined, id: IdBytes): SqlValue[] {
  return entry === undefined
    ? [null, null, null, null]
    : [entry.trace, id.of(entry.idHigh, entry.idLow), entry.start, entry.duration];
}
