const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 5_000;
/** A receiver that asks for more is asked again after this time. */
const MAX_REQUESTED_WAIT_MS = 60_000;

/**
 * Milliseconds to wait before the next attempt: 0.5 s, doubled with each failure up to 5 s, of which a random half is taken off so
 * that many processes do not return at the same moment. A wait the receiver asked for replaces it, up to 60 s.
 *
 * @param failures how many attempts have failed so far, at least 1
 */
export function waitBeforeRetry(failures: number, requestedMs: number | undefined): number {
  if (requestedMs !== undefined) return Math.min(Math.max(requestedMs, 0), MAX_REQUESTED_WAIT_MS);
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10), MAX_WAIT_MS);
  return longest * (0.5 + Math.random() / 2);
}

/** Milliseconds that a `Retry-After` header asks for, in seconds or as a date; undefined when it is missing or malformed. */
export function parseRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}
