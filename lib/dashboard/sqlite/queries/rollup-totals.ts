import { readCounts } from '../encoding/count-bytes.js';
import { quantilesOf } from '../encoding/value-buckets.js';
import { type RollupRow } from './rollup-range.js';

/** Durations are below 2^53 microseconds. */
const MAX_BUCKETS = 3_072;

export interface Rates {
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
    const buckets: [bucket: number, count: number][] = [];
    for (let bucket = this.lowest; bucket <= this.highest; bucket += 1) {
      const count = this.counts[bucket] ?? 0;
      if (count > 0) buckets.push([bucket, count]);
    }
    return quantilesOf(buckets, quantiles, this.longest).map((us) => us && us / 1_000);
  }

  /** What it is in so many seconds. */
  rates(seconds: number): Rates {
    const { count, errors } = this;
    return { count, perSecond: count / seconds, errorShare: count === 0 ? 0 : errors / count };
  }

  private readonly addCount = (bucket: number, count: number): void => {
    const index = Math.min(bucket, MAX_BUCKETS - 1);
    this.counts[index] = (this.counts[index] ?? 0) + count;
    if (index < this.lowest) this.lowest = index;
    if (index > this.highest) this.highest = index;
  };
}

/** Several sums together, for each of those they belong to. */
export class Totals {
  private readonly totals = new Map<number, Total>();

  add(owner: number, row: RollupRow): void {
    let total = this.totals.get(owner);
    if (total === undefined) this.totals.set(owner, (total = new Total()));
    total.add(row);
  }

  of(owner: number): Total {
    return this.totals.get(owner) ?? new Total();
  }
}
