import { type DurationsAnswer } from './answers/traffic.interface.js';

/** Steps per doubling of a duration, on which counts are joined to bars: neighbours differ by 2.2 %. */
const PER_DOUBLING = 32;

/** The step of a duration in milliseconds: 0 up to one microsecond, 32 up to two, 64 up to four. */
export function durationStep(ms: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(ms * 1_000, 1)) * PER_DOUBLING));
}

/**
 * The bars of `durations()`: as fine as at most `max` of them allow, 32 per doubling at best.
 *
 * @param counts by step; in any order, those below 0 count as 0
 */
export function joinBars(
  counts: Iterable<readonly [step: number, count: number]>,
  max: number,
): DurationsAnswer['bars'] {
  const steps = [...counts]
    .filter(([, count]) => count > 0)
    .map(([step, count]) => [Math.max(0, step), count] as const);
  const [lowest, highest] = steps.reduce(
    ([low, high], [step]) => [Math.min(low, step), Math.max(high, step)],
    [Infinity, 0],
  );
  if (lowest === Infinity) return [];
  let width = 1;
  const barOf = (step: number): number => Math.ceil(step / width);
  while (barOf(highest) - barOf(lowest) + 1 > Math.max(1, max)) width *= 2;
  const msOf = (bar: number): number => 2 ** ((bar * width) / PER_DOUBLING) / 1_000;
  const first = barOf(lowest);
  const sums = Array.from({ length: barOf(highest) - first + 1 }, () => 0);
  for (const [step, count] of steps) sums[barOf(step) - first] = (sums[barOf(step) - first] ?? 0) + count;
  return sums.map((count, index) => {
    const bar = first + index;
    return { from: bar === 0 ? 0 : msOf(bar - 1), to: msOf(bar), count };
  });
}
