import { MAX_BUCKET } from '../encoding/value-buckets.js';
import { type StoredExemplar, type StoredLog, type StoredPoint, type StoredSpan } from '../rows.interface.js';

/**
 * The last door before the database: a number that is not finite or too large would size a loop,
 * stop a whole batch, or come back as one that JavaScript cannot read. Each returns what is wrong
 * with a row; undefined when nothing is.
 */

/** The year 2243: in microseconds this is still a safe integer. */
const MAX_TIME_MS = 8_640_000_000_000;
const MAX_MICROSECONDS = MAX_TIME_MS * 1_000;
/** Buckets of one histogram with boundaries. */
const MAX_BOUNDARIES = 10_000;

export function problemOfSpan({ start, duration, kind, status }: StoredSpan): string | undefined {
  if (!isWithin(start, MAX_MICROSECONDS)) return `its start is ${start} microseconds`;
  if (!isWithin(duration, MAX_MICROSECONDS) || !isWithin(start + duration, MAX_MICROSECONDS))
    return `its duration is ${duration} microseconds`;
  return Number.isInteger(kind) && Number.isInteger(status) ? undefined : `its kind is ${kind}`;
}

export function problemOfLog({ time, level }: StoredLog): string | undefined {
  if (!isWithin(time, MAX_TIME_MS)) return `its time is ${time}`;
  return isWithin(level, MAX_TIME_MS) ? undefined : `its level is ${level}`;
}

export function problemOfPoint(point: StoredPoint): string | undefined {
  const { time, value, count, boundaries = [], buckets, exemplars = [] } = point;
  if (!isWithin(time, MAX_TIME_MS)) return `its time is ${time}`;
  if (!Number.isFinite(value)) return `its value is ${value}`;
  if (!Number.isSafeInteger(count) || count < 0) return `its count is ${count}`;
  if (boundaries.length > MAX_BOUNDARIES || !boundaries.every(Number.isFinite))
    return `it has ${boundaries.length} boundaries, or one that is not a number`;
  if (buckets !== undefined) {
    const highest = boundaries.length > 0 ? boundaries.length : MAX_BUCKET;
    for (const [bucket, inBucket] of buckets)
      if (!isIndex(bucket, highest) || !isIndex(inBucket, Number.MAX_SAFE_INTEGER))
        return `its bucket ${bucket} has ${inBucket}`;
  }
  return exemplars.every(isUsable) ? undefined : 'an exemplar of it has no time or value';
}

function isUsable({ time, value }: StoredExemplar): boolean {
  return isWithin(time, MAX_TIME_MS) && Number.isFinite(value);
}

/** Times of our own clock have decimals. */
function isWithin(value: number, max: number): boolean {
  return value >= 0 && value <= max;
}

function isIndex(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
