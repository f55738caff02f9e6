import { type Histogram } from '@opentelemetry/sdk-metrics';

/** What one histogram would hold had it recorded what both did; undefined when their boundaries differ. */
export function addHistograms(a: Histogram, b: Histogram): Histogram | undefined {
  const { boundaries } = a.buckets;
  const equal =
    boundaries.length === b.buckets.boundaries.length &&
    boundaries.every((boundary, index) => boundary === b.buckets.boundaries[index]);
  if (!equal) return undefined;
  const sum = a.sum === undefined || b.sum === undefined ? undefined : a.sum + b.sum;
  return {
    buckets: {
      boundaries,
      counts: a.buckets.counts.map((count, index) => count + (b.buckets.counts[index] ?? 0)),
    },
    count: a.count + b.count,
    ...(sum !== undefined && { sum }),
  };
}

/** The buckets of one histogram that have a boundary of their own, as Prometheus demands: by index, with their counts. */
export interface DistinctBuckets {
  readonly indices: readonly number[];
  readonly buckets: Histogram['buckets'];
}

/** undefined where all boundaries are different numbers, which is nearly always. */
export function distinctBuckets({ boundaries, counts }: Histogram['buckets']): DistinctBuckets | undefined {
  const isDistinct = (index: number): boolean =>
    boundaries[index] !== boundaries[index - 1] && !Number.isNaN(boundaries[index]);
  if (boundaries.every((_, index) => isDistinct(index))) return undefined;
  const indices = counts
    .map((_, index) => index)
    .filter((index) => index >= boundaries.length || isDistinct(index));
  return {
    indices,
    buckets: {
      boundaries: indices.slice(0, -1).map((index) => boundaries[index] ?? Infinity),
      // What a bucket that is left out has counted belongs to the next one.
      counts: indices.map((index, place) =>
        counts.slice((indices[place - 1] ?? -1) + 1, index + 1).reduce((sum, count) => sum + count, 0),
      ),
    },
  };
}
