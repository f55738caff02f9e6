import { readCounts } from '../encoding/count-bytes.js';
import { quantilesOf } from '../encoding/value-buckets.js';
import { type Series } from './find-instruments.js';
import { type PointRow } from './point-range.js';
import { type Steps, Turn } from '../../steps.js';

/** A value that does not change is collected once a minute, and holds until then. */
const HOLDS_MS = 70_000;

/** The buckets of a chart. */
export interface Timeline {
  /** Where each begins, in milliseconds. */
  readonly times: readonly number[];
  /** Milliseconds. */
  readonly width: number;
  /** What lies beyond is not known yet. */
  readonly now: number;
}

/** What was added per second. */
export function ratesOf(points: readonly PointRow[], { times, width, now }: Timeline): (number | null)[] {
  const sums = times.map(() => 0);
  for (const point of points) {
    const bucket = bucketOf(point.time, times, width);
    sums[bucket] = (sums[bucket] ?? 0) + point.value;
  }
  return times.map((time, index) =>
    time > now ? null : (sums[index] ?? 0) / (Math.max(1_000, Math.min(width, now - time)) / 1_000),
  );
}

/** The value that held: the mean of those in the bucket, else the latest before it. Several series add up or not. */
export function levelsOf(
  points: readonly PointRow[],
  timeline: Timeline,
  addsUp: boolean,
): (number | null)[] {
  const bySeries = new Map<number, PointRow[]>();
  for (const point of points) {
    const others = bySeries.get(point.series);
    if (others === undefined) bySeries.set(point.series, [point]);
    else others.push(point);
  }
  const lines = [...bySeries.values()].map((ofOne) => levelsOfOne(ofOne, timeline));
  return timeline.times.map((_, index) => {
    const values = lines.map((line) => line[index] ?? null).filter((value) => value !== null);
    if (values.length === 0) return null;
    const sum = values.reduce((a, b) => a + b, 0);
    return addsUp ? sum : sum / values.length;
  });
}

function levelsOfOne(points: readonly PointRow[], { times, width, now }: Timeline): (number | null)[] {
  const sums = times.map(() => ({ sum: 0, count: 0 }));
  for (const { time, value } of points) {
    const bucket = sums[bucketOf(time, times, width)];
    if (bucket === undefined) continue;
    bucket.sum += value;
    bucket.count += 1;
  }
  let held: { readonly value: number; readonly until: number } | undefined;
  return times.map((time, index) => {
    const { sum, count } = sums[index] ?? { sum: 0, count: 0 };
    if (count > 0) {
      held = { value: sum / count, until: time + width + HOLDS_MS };
      return held.value;
    }
    return held !== undefined && time < held.until && time <= now ? held.value : null;
  });
}

/** Quantiles of what was recorded in each bucket of time. */
export function* quantilesOver(
  points: readonly PointRow[],
  series: ReadonlyMap<number, Series>,
  { times, width }: Timeline,
  quantiles: readonly number[],
): Steps<(number | null)[][]> {
  const turn = new Turn();
  // Series whose boundaries differ cannot be added up; the ones most series have speak for all.
  const boundaries = mostCommonBoundaries(points, series);
  const key = boundaries.join();
  const comparable = new Set(
    [...series.values()].filter((one) => one.boundaries.join() === key).map(({ id }) => id),
  );
  const counts = times.map(() => new Map<number, number>());
  for (const { series: id, time, buckets } of points) {
    const bucket = counts[bucketOf(time, times, width)];
    if (bucket !== undefined && buckets !== null && comparable.has(id))
      readCounts(buckets, (number, count) => {
        bucket.set(number, (bucket.get(number) ?? 0) + count);
      });
    if (turn.isOver()) yield* turn.pass();
  }
  const perTime = counts.map((count) =>
    boundaries.length === 0 ? quantilesOf(count, quantiles) : interpolate(count, boundaries, quantiles),
  );
  return quantiles.map((_, index) => perTime.map((values) => values[index] ?? null));
}

function mostCommonBoundaries(
  points: readonly PointRow[],
  series: ReadonlyMap<number, Series>,
): readonly number[] {
  const votes = new Map<string, { readonly boundaries: readonly number[]; count: number }>();
  for (const id of new Set(points.map((point) => point.series))) {
    const boundaries = series.get(id)?.boundaries ?? [];
    const vote = votes.get(boundaries.join());
    if (vote === undefined) votes.set(boundaries.join(), { boundaries, count: 1 });
    else vote.count += 1;
  }
  return [...votes.values()].sort((a, b) => b.count - a.count)[0]?.boundaries ?? [];
}

/** As Prometheus does: values spread evenly within a bucket, and the last one has no end, so that its begin is said. */
function interpolate(
  counts: ReadonlyMap<number, number>,
  boundaries: readonly number[],
  quantiles: readonly number[],
): (number | null)[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return quantiles.map(() => null);
  return quantiles.map((quantile) => {
    const rank = quantile * total;
    let below = 0;
    for (let bucket = 0; bucket <= boundaries.length; bucket += 1) {
      const count = counts.get(bucket) ?? 0;
      if (count > 0 && below + count >= rank) {
        const upper = boundaries[bucket];
        const lower = boundaries[bucket - 1] ?? Math.min(0, upper ?? 0);
        return upper === undefined ? lower : lower + ((upper - lower) * (rank - below)) / count;
      }
      below += count;
    }
    return boundaries.at(-1) ?? null;
  });
}

function bucketOf(time: number, times: readonly number[], width: number): number {
  return Math.floor((time - (times[0] ?? 0)) / width);
}
