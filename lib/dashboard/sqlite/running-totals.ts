import { valueBucket } from './encoding/buckets.js';
import { type StoredPoint } from './rows.interface.js';

/** Values of a series, as a running total or since the last time. */
export interface PointTotal extends Pick<StoredPoint, 'value' | 'count' | 'min' | 'max'> {
  /** Histogram: by the number of the bucket; empty for anything else. */
  readonly buckets: ReadonlyMap<number, number>;
  /** Histogram: upper bounds of its buckets; empty for those of `valueBucket()`. */
  readonly boundaries: readonly number[];
}

/** What came since the total before; all of it where that was more: the sender was started anew, and began at zero. */
export function addedSince(total: PointTotal, before: PointTotal | undefined): PointTotal {
  if (before === undefined || total.count < before.count) return total;
  if (total.count === 0 && total.value < before.value) return total;
  const buckets = new Map<number, number>();
  for (const [bucket, count] of total.buckets) {
    const more = count - (before.buckets.get(bucket) ?? 0);
    if (more > 0) buckets.set(bucket, more);
  }
  return { ...total, value: total.value - before.value, count: total.count - before.count, buckets };
}

/** The buckets of a histogram with boundaries, without those that are empty. */
export function explicitBuckets(counts: readonly number[]): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const [index, count] of counts.entries()) if (count > 0) buckets.set(index, count);
  return buckets;
}

/** The buckets of an exponential histogram as those of the store, by the middle of each. */
export function exponentialBuckets(
  counts: readonly number[],
  offset: number,
  scale: number,
  notPositive: number,
): Map<number, number> {
  const buckets = new Map<number, number>();
  if (notPositive > 0) buckets.set(0, notPositive);
  for (const [index, count] of counts.entries()) {
    if (count === 0) continue;
    const bucket = valueBucket(2 ** ((offset + index + 0.5) / 2 ** scale));
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
  }
  return buckets;
}
