import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Bindings } from '../query.js';
import { type Buckets } from '../timeline.js';
import { WIDTHS } from './statements.js';

const MINUTE_MS = 60_000;
const WIDEST_FIRST = WIDTHS.map((seconds) => seconds * 1_000).reverse();

/** Buckets that sums can fill, and how long a stretch these sums are for. */
export interface SlotBuckets extends Buckets {
  /** Milliseconds; a part of the width of a bucket. */
  readonly slot: number;
}

/** Splits a range into about so many buckets of whole minutes, ten minutes or hours, and grows to whole ones. */
export function splitIntoSlots({ from, to }: TimeRange, buckets: number): SlotBuckets {
  const wanted = (to - from) / Math.max(1, buckets);
  const slot = WIDEST_FIRST.find((each) => each <= wanted) ?? MINUTE_MS;
  const width = Math.max(1, Math.ceil(wanted / slot)) * slot;
  const first = Math.floor(from / width) * width;
  const times = Array.from({ length: Math.ceil((to - first) / width) }, (_, index) => first + index * width);
  return { from: first, to, times, width, slot };
}

/** That a row of sums is of these buckets, as SQL. */
export function inSlots(bind: Bindings, { from, to, slot }: SlotBuckets): string {
  return slotCondition(bind, { slot, from, to });
}

/** The number of the bucket of a row of sums, as SQL. */
export function slotBucketOf(bind: Bindings, { from, width }: SlotBuckets): string {
  return `intDiv(toInt64(toUnixTimestamp(Time)) * 1000 - ${bind.integer(from)}, ${bind.integer(width)})`;
}

/** The range of whole minutes around a range. */
export function wholeMinutes({ from, to }: TimeRange): TimeRange {
  return { from: Math.floor(from / MINUTE_MS) * MINUTE_MS, to: Math.ceil(to / MINUTE_MS) * MINUTE_MS };
}

/** That a row of sums is of a range of whole minutes, as SQL: hours where these are whole, ten minutes and minutes at its ends. */
export function inPieces(bind: Bindings, range: TimeRange): string {
  const pieces = cut(range, WIDEST_FIRST);
  return pieces.length === 0 ? '0' : pieces.map((piece) => `(${slotCondition(bind, piece)})`).join(' OR ');
}

interface Piece extends TimeRange {
  readonly slot: number;
}

function cut({ from, to }: TimeRange, [slot, ...finer]: readonly number[]): Piece[] {
  if (slot === undefined || from >= to) return [];
  const first = Math.ceil(from / slot) * slot;
  const last = Math.floor(to / slot) * slot;
  if (first >= last) return cut({ from, to }, finer);
  return [
    ...cut({ from, to: first }, finer),
    { from: first, to: last, slot },
    ...cut({ from: last, to }, finer),
  ];
}

function slotCondition(bind: Bindings, { slot, from, to }: Piece): string {
  return `Width = ${bind.integer(slot / 1_000)} AND Time >= ${bind.second(from)} AND Time < ${bind.second(to)}`;
}
