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
