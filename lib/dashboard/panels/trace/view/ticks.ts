/** Marks are about so many to a ruler. */
const MARKS = 5;

/** Round instants of a stretch of time, in milliseconds from the start of the trace: 0, 50, 100 … */
export function roundTicks(offset: number, durationMs: number): readonly number[] {
  const rough = durationMs / MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(offset / step);
  const last = Math.floor((offset + durationMs) / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}
