/** Buckets per doubling: neighbours differ by 2.2 %, so that a quantile is off by 1.1 % at most. */
const PER_DOUBLING = 32;
/** Values below 2^-40 are all the same. */
const SMALLEST_EXPONENT = -40;
/** The bucket of the largest number there is, and of everything that is said to be above it. */
export const MAX_BUCKET = (1_024 - SMALLEST_EXPONENT) * PER_DOUBLING;

/** The number of the bucket of a value; 0 for what is not above zero. */
export function valueBucket(value: number): number {
  if (!(value > 0)) return 0;
  const bucket = Math.ceil((Math.log2(value) - SMALLEST_EXPONENT) * PER_DOUBLING);
  return Math.min(Math.max(1, bucket), MAX_BUCKET);
}

/** A value in the middle of that bucket. */
export function valueOfBucket(bucket: number): number {
  return bucket === 0 ? 0 : 2 ** ((bucket - 0.5) / PER_DOUBLING + SMALLEST_EXPONENT);
}

/**
 * Quantiles of what is in buckets; null for each when there is nothing.
 *
 * @param quantiles 0 to 1, rising
 * @param longest no quantile is above it
 */
export function quantilesOf(
  counts: Iterable<readonly [bucket: number, count: number]>,
  quantiles: readonly number[],
  longest = Infinity,
): (number | null)[] {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return quantiles.map(() => null);
  const ranks = quantiles.map((quantile) => Math.max(1, Math.ceil(quantile * total)));
  const values: number[] = [];
  let reached = 0;
  for (const [bucket, count] of sorted) {
    reached += count;
    while (values.length < ranks.length && reached >= (ranks[values.length] ?? 0))
      values.push(Math.min(valueOfBucket(bucket), longest));
  }
  return values;
}
