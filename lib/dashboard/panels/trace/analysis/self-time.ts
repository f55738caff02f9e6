import { type PlacedSpan } from './place-spans.js';

/** Milliseconds of a span in which none of its children ran; what a child does after its parent's end is not its parent's. */
export function selfTimeOf({ start, end, children }: PlacedSpan): number {
  let covered = 0;
  let until = start;
  // Children come in the order in which they start.
  for (const child of children) {
    const from = Math.max(child.start, until);
    const to = Math.min(child.end, end);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return Math.max(0, end - start - covered);
}
