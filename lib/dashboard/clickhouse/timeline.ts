import { type TimeRange } from '../reader/telemetry-reader.interface.js';
import { type Bindings } from './query.js';

/** The buckets of an answer over time; milliseconds. */
export interface Buckets extends TimeRange {
  readonly times: readonly number[];
  readonly width: number;
}

/** Splits a range into about so many buckets of whole seconds, which keep their place while the range moves with the clock. */
export function splitRange({ from, to }: TimeRange, buckets: number): Buckets {
  const width = Math.max(1_000, Math.ceil((to - from) / Math.max(1, buckets) / 1_000) * 1_000);
  const first = Math.floor(from / width) * width;
  const times = Array.from({ length: Math.ceil((to - first) / width) }, (_, index) => first + index * width);
  return { from: first, to, times, width };
}

/** The number of the bucket of a row with a `Timestamp`, as SQL. */
export function bucketOf(bind: Bindings, { from, width }: Pick<Buckets, 'from' | 'width'>): string {
  return `intDiv(toUnixTimestamp64Milli(Timestamp) - ${bind.integer(from)}, ${bind.integer(width)})`;
}

/** That a row with a `Timestamp` is of a range, as SQL. */
export function inRange(bind: Bindings, { from, to }: TimeRange): string {
  return `Timestamp >= ${bind.instant(from)} AND Timestamp < ${bind.instant(to)}`;
}

/** Of a range that is not over, how many seconds of it have passed; at least one. */
export function secondsOf({ from, to }: TimeRange): number {
  return Math.max(1_000, Math.min(to, Date.now()) - from) / 1_000;
}
