import type { Place } from './state.js';

/** Interval at which a live view asks again, in milliseconds. */
export const REFRESH_MS = 5_000;

/** The part of the address that selects the time span. It stays the same while the instants behind it move. */
export const spanKeyOf = ({ query }: Place): string =>
  ['range', 'from', 'to'].map((name) => query.get(name) ?? '').join('|');
