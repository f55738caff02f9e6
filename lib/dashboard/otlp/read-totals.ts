import { explicitBuckets, exponentialBuckets, type PointTotal } from '../sqlite/running-totals.js';
import { boundsAt, countsAt, finiteAt, integerAt, numberAt, objectAt } from './read-values.js';

type Fields = Readonly<Record<string, unknown>>;

/** Buckets of one data point; SDKs have 160 at most by default. */
const MAX_BUCKETS = 2_000;
/** What the data model allows. */
const SCALE = [-10, 20] as const;
const INT_32 = [-(2 ** 31), 2 ** 31 - 1] as const;
const COUNT = [0, Number.MAX_SAFE_INTEGER] as const;

/** Why a data point cannot be stored. */
export interface PointError {
  readonly reason: string;
}

const NONE: ReadonlyMap<number, number> = new Map();

export function isPointError(total: object): total is PointError {
  return 'reason' in total;
}

/** What a data point says, or what is wrong with it. @param field `gauge`, `sum`, `histogram` or `exponentialHistogram` */
export function readTotal(point: Fields, field: string): PointTotal | PointError {
  if (field === 'histogram') return readHistogram(point);
  if (field === 'exponentialHistogram') return readExponential(point);
  const value = finiteAt(point, 'asDouble') ?? finiteAt(point, 'asInt');
  if (value === undefined) return { reason: 'asDouble or asInt must be a finite number' };
  return { value, count: 0, buckets: NONE, boundaries: [] };
}

function readHistogram(point: Fields): PointTotal | PointError {
  const head = readHead(point);
  if (isPointError(head)) return head;
  const boundaries = boundsAt(point, 'explicitBounds', MAX_BUCKETS);
  if (boundaries === undefined)
    return { reason: `explicitBounds must be at most ${MAX_BUCKETS} finite, rising numbers` };
  const counts = countsAt(point, 'bucketCounts', MAX_BUCKETS + 1);
  if (counts === undefined) return BAD_COUNTS;
  if (counts.length > 0 && counts.length !== boundaries.length + 1)
    return { reason: 'bucketCounts must have one element more than explicitBounds' };
  if (counts.length > 0 && sum(counts) !== head.count) return DISAGREE;
  return { ...head, buckets: explicitBuckets(counts), boundaries };
}

/** Its buckets become those of the store, by the middle of each. */
function readExponential(point: Fields): PointTotal | PointError {
  const head = readHead(point);
  if (isPointError(head)) return head;
  const scale = integerAt(point, 'scale', SCALE, 0);
  if (scale === undefined) return { reason: `scale must be a whole number from ${SCALE[0]} to ${SCALE[1]}` };
  const zeroCount = integerAt(point, 'zeroCount', COUNT, 0);
  const positive = objectAt(point, 'positive');
  const counts = countsAt(positive, 'bucketCounts', MAX_BUCKETS);
  const negatives = countsAt(objectAt(point, 'negative'), 'bucketCounts', MAX_BUCKETS);
  if (zeroCount === undefined || counts === undefined || negatives === undefined) return BAD_COUNTS;
  const offset = integerAt(positive, 'offset', INT_32, 0);
  if (offset === undefined) return { reason: 'offset must be a whole number of 32 bits' };
  const notPositive = zeroCount + sum(negatives);
  if (notPositive + sum(counts) !== head.count) return DISAGREE;
  const buckets = exponentialBuckets(counts, offset, scale, notPositive);
  return { ...head, buckets, boundaries: [] };
}

const BAD_COUNTS: PointError = { reason: `counts must be at most ${MAX_BUCKETS} whole numbers from 0 on` };
const DISAGREE: PointError = { reason: 'count must be the sum of the counts of the buckets' };

/** A histogram of values that may be negative has no sum. */
function readHead(point: Fields): Omit<PointTotal, 'buckets' | 'boundaries'> | PointError {
  const count = integerAt(point, 'count', COUNT, 0);
  if (count === undefined) return BAD_COUNTS;
  const value = numberAt(point, 'sum') ?? 0;
  if (!Number.isFinite(value)) return { reason: 'sum must be a finite number' };
  return { value, count, min: finiteAt(point, 'min'), max: finiteAt(point, 'max') };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
