import { getOrAdd } from '../../get-or-add.js';
import { type Database } from '../database/database.js';
import { BucketCounts } from '../encoding/bucket-counts.js';
import { valueBucket, VERSION_SLOT_MS } from '../encoding/buckets.js';
import { type Entry } from './rollups.js';

/** A request, message or run, with `service.version` of the process that answered it. */
export interface VersionedEntry extends Entry {
  readonly version: string;
}

/** Sums in memory. Versions that are made up per request must not grow them: the entries of those beyond are not counted. */
const MAX_OPEN = 10_000;
const MAX_VERSION = 200;

/** What one version of a service answered by one route in one day. */
class VersionSum {
  count = 0;
  errors = 0;
  /** Microseconds. */
  longest = 0;
  /** Milliseconds since the epoch. */
  firstSeen = Infinity;
  lastSeen = 0;
  /** When it changed first since it was written, by `performance.now()`; undefined: it did not. */
  dirtySince: number | undefined;
  readonly buckets = new BucketCounts();

  constructor(
    readonly key: string,
    readonly slot: number,
    readonly route: number,
    readonly version: string,
    readonly part: number,
  ) {}

  add({ start, duration, failed, weight }: Entry): void {
    const time = Math.floor(start / 1_000);
    this.count += weight;
    if (failed) this.errors += weight;
    if (duration > this.longest) this.longest = duration;
    if (time < this.firstSeen) this.firstSeen = time;
    if (time > this.lastSeen) this.lastSeen = time;
    this.buckets.add(valueBucket(duration), weight);
    this.dirtySince ??= performance.now();
  }
}

function isDue({ dirtySince }: VersionSum, since: number): boolean {
  return dirtySince !== undefined && dirtySince <= since;
}

const INSERT = `INSERT OR REPLACE INTO version_sums
  (slot, route, version, part, count, errors, longest, first_seen, last_seen, buckets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/**
 * Adds up what enters by route, version and day, so that a version can be compared with the one before. Each process has its own rows,
 * as in `Rollups`. Services without a version are left out.
 */
export class VersionSums {
  private readonly open = new Map<string, VersionSum>();
  /** The last one of each route, which the next entry most often belongs to. */
  private readonly lastOfRoute = new Map<number, VersionSum>();

  add(entry: VersionedEntry): void {
    if (entry.version === '') return;
    const slot = Math.floor(entry.start / 1_000 / VERSION_SLOT_MS) * VERSION_SLOT_MS;
    const last = this.lastOfRoute.get(entry.route);
    if (last?.slot === slot && last.version === entry.version) last.add(entry);
    else this.sumOf(entry, slot)?.add(entry);
  }

  private sumOf({ route, version }: VersionedEntry, slot: number): VersionSum | undefined {
    const key = `${route} ${slot} ${version}`;
    if (!this.open.has(key) && this.open.size >= MAX_OPEN) return undefined;
    const sum = getOrAdd(this.open, key, () => {
      const part = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
      return new VersionSum(key, slot, route, version.slice(0, MAX_VERSION), part);
    });
    this.lastOfRoute.set(route, sum);
    return sum;
  }

  /** Whether there is something to write that changed up to then, by `performance.now()`. */
  isDirty(since: number): boolean {
    for (const sum of this.open.values()) if (isDue(sum, since)) return true;
    return false;
  }

  /** Writes what changed up to then until time is up. Returns what to `settle()` when it is there for good. */
  write(database: Database, since: number, isTimeUp: () => boolean): readonly VersionSum[] {
    const written: VersionSum[] = [];
    for (const sum of this.open.values()) {
      if (!isDue(sum, since)) continue;
      if (isTimeUp()) break;
      const { slot, route, version, part, count, errors, longest, firstSeen, lastSeen, buckets } = sum;
      const numbers = [count, errors, longest, firstSeen, lastSeen];
      database.run(INSERT, slot, route, version, part, ...numbers, buckets.encode());
      written.push(sum);
    }
    return written;
  }

  /** Days that are over are forgotten, and those of clocks that are ahead: they would never be over. */
  settle(written: readonly VersionSum[], now: number): void {
    for (const sum of written) {
      sum.dirtySince = undefined;
      // Behind those that still wait.
      this.open.delete(sum.key);
      this.open.set(sum.key, sum);
    }
    for (const [key, sum] of this.open) {
      const { dirtySince, slot, route } = sum;
      if (dirtySince !== undefined || Math.abs(now - slot) <= 2 * VERSION_SLOT_MS) continue;
      this.open.delete(key);
      if (this.lastOfRoute.get(route) === sum) this.lastOfRoute.delete(route);
    }
  }
}
