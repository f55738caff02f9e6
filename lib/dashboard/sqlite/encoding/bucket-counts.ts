import { pushVarint } from './buckets.js';

/** So many are sorted in together: one alone would have to be looked for. */
const MAX_WAITING = 512;

/**
 * How many values are in each bucket of `valueBucket()`. Adding one is only noted: a map that is looked up for each value of thousands of
 * sums costs more than what it counts.
 */
export class BucketCounts {
  private waiting: number[] = [];
  /** Rising. */
  private buckets: number[] = [];
  /** How many are in each of `buckets`. */
  private counts: number[] = [];

  add(bucket: number): void {
    if (this.waiting.push(bucket) >= MAX_WAITING) this.sortIn();
  }

  addAll(others: BucketCounts): void {
    others.sortIn();
    this.sortIn();
    this.merge(others.buckets, others.counts);
  }

  /** As few bytes, which `readCounts()` reads. */
  encode(): Uint8Array {
    this.sortIn();
    const bytes: number[] = [];
    let previous = 0;
    for (const [index, bucket] of this.buckets.entries()) {
      pushVarint(bytes, bucket - previous);
      pushVarint(bytes, this.counts[index] ?? 0);
      previous = bucket;
    }
    return Uint8Array.from(bytes);
  }

  private sortIn(): void {
    if (this.waiting.length === 0) return;
    const buckets: number[] = [];
    const counts: number[] = [];
    // A typed array is sorted by number, without a function that is called for each pair.
    for (const bucket of new Int32Array(this.waiting).sort())
      if (bucket === buckets.at(-1)) counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1;
      else {
        buckets.push(bucket);
        counts.push(1);
      }
    this.waiting = [];
    this.merge(buckets, counts);
  }

  private merge(buckets: readonly number[], counts: readonly number[]): void {
    const [ownBuckets, ownCounts] = [this.buckets, this.counts];
    const merged: number[] = [];
    const sums: number[] = [];
    for (let own = 0, other = 0; own < ownBuckets.length || other < buckets.length;) {
      const [first = Infinity, second = Infinity] = [ownBuckets[own], buckets[other]];
      merged.push(Math.min(first, second));
      sums.push((first <= second ? (ownCounts[own] ?? 0) : 0) + (second <= first ? (counts[other] ?? 0) : 0));
      if (first <= second) own += 1;
      if (second <= first) other += 1;
    }
    this.buckets = merged;
    this.counts = sums;
  }
}
