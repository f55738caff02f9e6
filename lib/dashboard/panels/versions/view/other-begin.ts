const DAY_MS = 24 * 3_600_000;

/**
 * Where the time begins with which a span is compared; it is as long as the span.
 *
 * @param against `day`, `week` or milliseconds since the epoch; anything else is the time just before
 */
export function otherBeginOf(
  against: string,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  if (/^\d{1,15}$/.test(against)) return Number(against);
  if (against === 'day') return from - DAY_MS;
  if (against === 'week') return from - 7 * DAY_MS;
  return from - (to - from);
}
