import type { HealthApi } from '../panels/health/query.js';
/** Since when there is something to see: the charts of an application that has just been started begin there, not minutes before. */
import { clientOf } from './api.js';

const healthApi = clientOf<HealthApi>();

/** Longer than the application takes to answer; shorter than a reader's patience. */
const LONGEST_WAIT_MS = 300;
/** Between two questions while there is nothing. */
const ASK_AGAIN_MS = 5_000;
const SHORTEST_SPAN_MS = 60_000;

let oldest: number | undefined;
let askedAt = -Infinity;

export async function learnOldestRecord(): Promise<void> {
  askedAt = Date.now();
  try {
    oldest = (await healthApi.get('health', {}, AbortSignal.timeout(LONGEST_WAIT_MS))).store.since;
  } catch {
    // The span is shown as it was asked for, and whoever shows it says what is wrong.
  }
}

/** Where a span up to `now` begins that was to begin at `from`. */
export function beginOf(from: number, now: number): number {
  if (oldest === undefined) {
    if (now - askedAt > ASK_AGAIN_MS) void learnOldestRecord();
    return from;
  }
  return Math.max(from, Math.min(oldest, now - SHORTEST_SPAN_MS));
}
