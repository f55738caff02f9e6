import { type Database } from '../database/database.js';
import { encodeCounts } from '../encoding/count-bytes.js';
import { valueBucket } from '../encoding/value-buckets.js';

/** How long the slots of each level are, in milliseconds: the finest for the last minutes, the coarsest for a day. */
export const ROLLUP_SLOTS_MS = [10_000, 60_000, 600_000] as const;

/** What entered by a route in one slot of time. */
class Rollup {
  count = 0;
  errors = 0;
  /** Microseconds. */
  longest = 0;
  isDirty = true;
  readonly buckets = new Map<number, number>();

  constructor(
    readonly level: number,
    readonly slot: number,
    readonly route: number,
    readonly part: number,
  ) {}

  add(duration: number, bucket: number, failed: boolean): void {
    this.count += 1;
    if (failed) this.errors += 1;
    if (duration > this.longest) this.longest = duration;
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + 1);
    this.isDirty = true;
  }
}

/**
 * Adds up what enters by route and time, so that rates and quantiles of a day are known when most of its spans are evicted.
 * Each process, and each time it begins a slot, has a row of its own: nobody has to read what others wrote.
 */
export class Rollups {
  private readonly open = new Map<string, Rollup>();

  /** @param start milliseconds; @param duration microseconds */
  add(route: number, start: number, duration: number, failed: boolean): void {
    const bucket = valueBucket(duration);
    ROLLUP_SLOTS_MS.forEach((length, level) => {
      const slot = Math.floor(start / length) * length;
      const key = `${level} ${slot} ${route}`;
      let rollup = this.open.get(key);
      if (rollup === undefined) {
        const part = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
        this.open.set(key, (rollup = new Rollup(level, slot, route, part)));
      }
      rollup.add(duration, bucket, failed);
    });
  }

  /** Whether there is something to write. */
  get isDirty(): boolean {
    for (const rollup of this.open.values()) if (rollup.isDirty) return true;
    return false;
  }

  /** Writes what has changed. */
  write(database: Database): void {
    for (const rollup of this.open.values()) {
      if (!rollup.isDirty) continue;
      const { level, slot, route, part, count, errors, longest } = rollup;
      database.run(
        'INSERT OR REPLACE INTO rollups (level, slot, route, part, count, errors, longest, buckets) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        level,
        slot,
        route,
        part,
        count,
        errors,
        longest,
        encodeCounts(rollup.buckets),
      );
    }
  }

  /** To be called when what was written is there for good; slots that are over are forgotten. */
  settle(now: number): void {
    for (const [key, rollup] of this.open) {
      rollup.isDirty = false;
      if (rollup.slot + 2 * (ROLLUP_SLOTS_MS[rollup.level] ?? 0) < now) this.open.delete(key);
    }
  }

  /** The numbers of routes belong to another file now. */
  clear(): void {
    this.open.clear();
  }
}
