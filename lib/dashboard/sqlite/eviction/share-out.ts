/** One of those who have to give. */
export interface Holder {
  readonly id: number;
  readonly amount: number;
}

/**
 * Takes `wanted` from those who have most, down to a common level: whoever has less than that keeps everything.
 * Gives how much each has to give.
 */
export function shareOut(holders: readonly Holder[], wanted: number): Map<number, number> {
  const sorted = [...holders].sort((a, b) => b.amount - a.amount);
  let level = 0;
  let sum = 0;
  for (const [index, { amount }] of sorted.entries()) {
    sum += amount;
    const next = sorted[index + 1]?.amount ?? 0;
    level = Math.max(0, (sum - wanted) / (index + 1));
    if (level >= next) break;
  }
  const shares = new Map<number, number>();
  for (const { id, amount } of sorted) {
    const share = Math.ceil(amount - level);
    if (share > 0) shares.set(id, share);
  }
  return shares;
}
