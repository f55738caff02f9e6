import { pushVarint } from './buckets.js';

/**
 * How many values are in each bucket of `valueBucket()`. Thousands of these are added to and written in turns: sorted lists are found in
 * the processor's cache where a map is not, and need no sorting to be written.
 */
export class BucketCounts {
  /** Rising. */
  private readonly buckets: number[] = [];
  /** How many are in each of `buckets`. */
  private readonly counts: number[] = [];

  add(bucket: number, count = 1): void {
    const { buckets, counts } = this;
    const index = this.placeOf(bucket);
    if (index === buckets.length) {
      buckets.push(bucket);
      counts.push(count);
    } else if (buckets[index] === bucket) counts[index] = (counts[index] ?? 0) + count;
    else {
      buckets.splice(index, 0, bucket);
      counts.splice(index, 0, count);
    }
  }

  addAll({ buckets, counts }: BucketCounts): void {
    for (let index = 0; index < buckets.length; index += 1) this.add(buckets[index] ?? 0, counts[index]);
  }

  /** As few bytes, which `readCounts()` reads. */
  encode(): Uint8Array {
    const { buckets, counts } = this;
    const bytes: number[] = [];
    let previous = 0;
    for (let index = 0; index < buckets.length; index += 1) {
      const bucket = buckets[index] ?? 0;
      pushVarint(bytes, bucket - previous);
      pushVarint(bytes, counts[index] ?? 0);
      previous = bucket;
    }
    return Uint8Array.from(bytes);
  }

  /** Where the bucket is, or belongs. */
  private placeOf(bucket: number): number {
    const { buckets } = this;
    let low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((buckets[middle] ?? 0) < bucket) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
