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

/**
 * Counts by number of bucket as few bytes: how far the next bucket is, how many are in it, each in groups of seven bits. What is no count
 * is left out.
 */
export function encodeCounts(counts: ReadonlyMap<number, number>): Uint8Array {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const bytes: number[] = [];
  let previous = 0;
  for (const [bucket, count] of sorted) {
    if (!isCount(bucket) || !isCount(count)) continue;
    pushVarint(bytes, bucket - previous);
    pushVarint(bytes, count);
    previous = bucket;
  }
  return Uint8Array.from(bytes);
}

/** Calls `take` for each bucket that the bytes name; bytes that are damaged end it. */
export function readCounts(bytes: Uint8Array, take: (bucket: number, count: number) => void): void {
  let position = 0;
  const next = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[position] ?? 0;
      position += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  let bucket = 0;
  while (position < bytes.length) {
    bucket += next();
    const count = next();
    if (!isCount(bucket) || !isCount(count)) return;
    take(bucket, count);
  }
}

/** The same of many, as `group_concat(hex(…))` of SQLite gives them: one text is read in a fraction of the time of as many blobs. */
export function readJoinedCounts(text: string, take: (bucket: number, count: number) => void): void {
  let bucket = 0;
  let value = 0;
  let scale = 1;
  let isBucket = true;
  let isDamaged = false;
  for (let at = 0; at < text.length; at += 2) {
    if (text.charCodeAt(at) === COMMA) {
      at += 1;
      bucket = value = 0;
      scale = 1;
      isBucket = true;
      isDamaged = false;
    }
    const byte = (digitOf(text.charCodeAt(at)) << 4) | digitOf(text.charCodeAt(at + 1));
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte >= 0x80 || isDamaged) continue;
    if (!isCount(value)) isDamaged = true;
    else if (isBucket) bucket += value;
    else take(bucket, value);
    isBucket = !isBucket;
    value = 0;
    scale = 1;
  }
}

const COMMA = 44;

/** Of an upper-case hexadecimal digit. */
function digitOf(code: number): number {
  return code < 58 ? code - 48 : code - 55;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Appends a count in groups of seven bits. */
export function pushVarint(bytes: number[], given: number): void {
  let value = given;
  // Not by shifts: a count may need more than 32 bits.
  while (value >= 0x80) {
    bytes.push((value % 0x80) + 0x80);
    value = Math.floor(value / 0x80);
  }
  bytes.push(value);
}

/** How finely sums and points are kept, and for how long. What writes, what evicts and what asks must agree on it. */

export const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** How long the slots of each level are, in milliseconds: the finest for the last minutes, the coarsest for days. */
export const ROLLUP_SLOTS_MS = [10_000, MINUTE_MS, 600_000, HOUR_MS] as const;
/** How long the sums of each level stay: older times are read from coarser ones. */
export const ROLLUPS_KEPT_MS = [HOUR_MS, 6 * HOUR_MS, 48 * HOUR_MS, Infinity] as const;

/** How long the slots are in which what each version answers is added up, and how long those stay at least. */
export const VERSION_SLOT_MS = 24 * HOUR_MS;
export const VERSION_SUMS_KEPT_MS = 7 * VERSION_SLOT_MS;

/** How long the slots are in which operations are added up, how long those of each level stay, and how many sums of a level at most. */
export const OPERATION_SLOTS_MS = [MINUTE_MS, 600_000, HOUR_MS] as const;
export const OPERATION_SUMS_KEPT_MS = [2 * HOUR_MS, 24 * HOUR_MS, Infinity] as const;
export const MAX_OPERATION_SUMS = 40_000;

/** How late sums of operations may be in the store, by level: of the coarser ones a row is written seldom. */
export const OPERATION_SUMS_LATE_MS = [30_000, 300_000, 300_000] as const;

/** How long the slots are in which errors are counted, and how long those of each level stay. */
export const ERROR_SLOTS_MS = [MINUTE_MS, 600_000, HOUR_MS] as const;
export const ERROR_COUNTS_KEPT_MS = [3 * HOUR_MS, 72 * HOUR_MS, Infinity] as const;
/** An error that was not seen for so long is forgotten: much longer than spans are kept, so that a new one is new. */
export const ERRORS_KEPT_MS = 30 * 24 * HOUR_MS;

/** A point as it comes, and the sum of those of a minute. */
export const POINT_LEVEL = { asCollected: 0, minute: 1 } as const;
export const COLLECTED_POINTS_KEPT_MS = 2 * HOUR_MS;
export const BLOCK_MS = HOUR_MS;

/** Among which rows a point is written. */
export function blockOf(level: number, time: number): number {
  return level === POINT_LEVEL.minute ? Math.floor(time / BLOCK_MS) * BLOCK_MS : time;
}

/** What processes say of themselves: by slots of some seconds, which stay for two hours, and by the minute. */
export const PROCESS_LEVEL = { fine: 0, minute: 1 } as const;
/** Metrics are collected every five seconds. */
export const PROCESS_SLOT_MS = 10_000;
