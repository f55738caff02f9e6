import type { ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';

/** An exemplar in a chart, in pixels. */
export interface Dot {
  readonly exemplar: ExemplarAnswer;
  /** Exemplars that would lie on top of it, and are left out. */
  readonly others: number;
  /** Neither failed nor slow beside the others. */
  readonly plain: boolean;
  readonly left: number;
  readonly top: number;
}

/** Dots nearer than this overlap, and cannot be clicked one by one. */
const APART_PX = 9;

/** Of each bucket of time the slowest that succeeded and the slowest that failed: neither kind hides the other. */
export function slowestOfEachBucket(
  exemplars: readonly ExemplarAnswer[],
  times: readonly number[],
): readonly ExemplarAnswer[] {
  const [first = 0, second = first + 1] = times;
  const chosen = new Map<string, ExemplarAnswer>();
  for (const exemplar of exemplars) {
    const key = `${Math.floor((exemplar.time - first) / (second - first))} ${exemplar.error}`;
    const known = chosen.get(key);
    if (known === undefined || exemplar.value > known.value) chosen.set(key, exemplar);
  }
  return [...chosen.values()];
}

/** Leaves out dots that would lie on top of a higher one of the same kind, and counts them there. Failed ones come last, to be on top. */
export function clusterDots(dots: readonly Dot[]): readonly Dot[] {
  const clusters: { readonly dot: Dot; others: number }[] = [];
  for (const dot of [...dots].sort((a, b) => b.exemplar.value - a.exemplar.value)) {
    const near = clusters.find(
      ({ dot: other }) =>
        other.exemplar.error === dot.exemplar.error &&
        Math.hypot(other.left - dot.left, other.top - dot.top) < APART_PX,
    );
    if (near) near.others += 1;
    else clusters.push({ dot, others: 0 });
  }
  return clusters
    .map(({ dot, others }) => ({ ...dot, others }))
    .sort((a, b) => Number(a.exemplar.error) - Number(b.exemplar.error) || a.left - b.left);
}
