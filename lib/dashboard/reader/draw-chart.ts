import { type Steps, TimeSlice } from '../steps.js';
import { type ChartAnswer, type InstrumentAnswer } from './answers/metrics.interface.js';
import { HOLDS_MS } from './process-metrics.js';
import { type ChartFilter } from './telemetry-reader.interface.js';

/** Draws the lines of a chart from points, as every database behind the page does. */

/** More lines cannot be distinguished; those with the most points stay. */
const MAX_LINES = 20;
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
/** Metrics are collected every five seconds; finer buckets would be empty in turn. */
const MIN_WIDTH_MS = 10_000;
const MINUTE_MS = 60_000;
/** A longer range is drawn by the minute. */
export const FINE_RANGE_MS = 30 * MINUTE_MS;

/** One series of an instrument. */
export interface Series {
  readonly id: number;
  /** The texts of its values. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Upper bounds of the buckets of a histogram; empty for those of the store. */
  readonly boundaries: readonly number[];
}

/** One value of a series. */
export interface ChartPoint<Buckets> {
  readonly time: number;
  readonly series: number;
  /** Counter: what was added. Histogram: sum of what was recorded. Anything else: the value that holds. */
  readonly value: number;
  /** Of a histogram how many are in each bucket. */
  readonly buckets: Buckets | null;
  /** Histogram: of what was recorded. Anything else: of the minute; null is the value itself, or not known. */
  readonly lowest: number | null;
  readonly highest: number | null;
}

/** How a database counts what a histogram recorded. */
export interface BucketReader<Buckets> {
  /** Calls `take` for each bucket that has any. */
  each(buckets: Buckets, take: (bucket: number, count: number) => void): void;
  /** Quantiles of counts by buckets of the store; undefined where every histogram has boundaries. */
  quantiles?(counts: ReadonlyMap<number, number>, quantiles: readonly number[]): readonly (number | null)[];
}

type DrawnInstrument = Pick<InstrumentAnswer, 'type' | 'name'>;

interface Line<Buckets> {
  readonly label: string;
  readonly points: ChartPoint<Buckets>[];
}

/** The buckets of a chart: as fine as points are kept, in the same places while the range moves with the clock. */
export function splitTime(
  { from, to, buckets }: Pick<ChartFilter, 'from' | 'to' | 'buckets'>,
  now: number,
): Timeline {
  const smallest = to - from > FINE_RANGE_MS ? MINUTE_MS : MIN_WIDTH_MS;
  const width = Math.max(1, Math.ceil((to - from) / Math.max(1, buckets) / smallest)) * smallest;
  const first = Math.floor(from / width) * width;
  const times = Array.from({ length: Math.ceil((to - first) / width) }, (_, index) => first + index * width);
  return { times, width, now };
}

/** What the line is called to which a series belongs. */
export function labelBy(
  group: string | undefined,
  type: InstrumentAnswer['type'],
): (series: Series) => string {
  if (group !== undefined) return ({ attributes }) => attributes[group] ?? '';
  if (type !== 'gauge') return () => '';
  return ({ attributes }) =>
    Object.entries(attributes)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
}

/** Points by the line that they belong to. */
export function groupLines<Buckets>(
  points: readonly ChartPoint<Buckets>[],
  series: ReadonlyMap<number, Series>,
  labelOf: (series: Series) => string,
): Line<Buckets>[] {
  const labels = new Map([...series].map(([id, one]) => [id, labelOf(one)]));
  const lines = new Map<string, Line<Buckets>>();
  for (const label of labels.values()) if (!lines.has(label)) lines.set(label, { label, points: [] });
  for (const point of points) lines.get(labels.get(point.series) ?? '')?.points.push(point);
  return [...lines.values()]
    .sort((a, b) => b.points.length - a.points.length)
    .slice(0, MAX_LINES)
    .sort((a, b) => a.label.localeCompare(b.label));
}

/** The lines of a group: one, or one for each quantile. */
export function* draw<Buckets>(
  { label, points }: Line<Buckets>,
  { type, name }: DrawnInstrument,
  series: ReadonlyMap<number, Series>,
  timeline: Timeline,
  reader: BucketReader<Buckets>,
): Steps<ChartAnswer['series']> {
  if (type === 'counter') return [{ label, values: ratesOf(points, timeline) }];
  if (type === 'histogram') {
    const names = Object.keys(QUANTILES);
    const lines = yield* quantilesOver(points, series, timeline, reader);
    return lines.map((levels, index) => ({
      label: [label, names[index]].filter(Boolean).join(' '),
      ...listsOf(levels),
    }));
  }
  const lists = listsOf(levelsOf(points, timeline, type === 'updowncounter'));
  const [extreme] = /\.(?:max|min)$/.exec(name) ?? [];
  return [
    { label, ...lists, values: lists[extreme === '.max' ? 'max' : extreme === '.min' ? 'min' : 'values'] },
  ];
}

/** A value, and what it lies between: the extremes of a gauge, the bounds of a quantile. */
interface Level {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

function listsOf(levels: readonly (Level | null)[]) {
  const list = (key: keyof Level): (number | null)[] => levels.map((level) => level?.[key] ?? null);
  return { values: list('value'), min: list('min'), max: list('max') };
}

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
function ratesOf(points: readonly ChartPoint<unknown>[], { times, width, now }: Timeline): (number | null)[] {
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
function levelsOf(
  points: readonly ChartPoint<unknown>[],
  timeline: Timeline,
  addsUp: boolean,
): (Level | null)[] {
  const bySeries = Map.groupBy(points, ({ series }) => series).values();
  const lines = [...bySeries].map((ofOne) => levelsOfOne(ofOne, timeline));
  return timeline.times.map((_, index) => {
    const levels = lines.map((line) => line[index] ?? null).filter((level) => level !== null);
    return levels.length === 0 ? null : addsUp ? sumOf(levels) : meanOf(levels);
  });
}

function sumOf(levels: readonly Level[]): Level {
  const sum = (key: keyof Level): number => levels.reduce((total, level) => total + level[key], 0);
  return { value: sum('value'), min: sum('min'), max: sum('max') };
}

function meanOf(levels: readonly Level[]): Level {
  return {
    value: sumOf(levels).value / levels.length,
    min: Math.min(...levels.map(({ min }) => min)),
    max: Math.max(...levels.map(({ max }) => max)),
  };
}

function levelsOfOne(
  points: readonly ChartPoint<unknown>[],
  { times, width, now }: Timeline,
): (Level | null)[] {
  const byBucket = times.map((): Level[] => []);
  for (const { time, value, lowest, highest } of points)
    byBucket[bucketOf(time, times, width)]?.push({ value, min: lowest ?? value, max: highest ?? value });
  let held: { readonly value: number; readonly until: number } | undefined;
  return times.map((time, index) => {
    const levels = byBucket[index] ?? [];
    if (levels.length > 0) {
      const level = meanOf(levels);
      held = { value: level.value, until: time + width + HOLDS_MS };
      return level;
    }
    if (held === undefined || time >= held.until || time > now) return null;
    return { value: held.value, min: held.value, max: held.value };
  });
}

/** What was recorded in a bucket of time. */
interface Distribution {
  readonly counts: Map<number, number>;
  /** Of all of it; infinite where that is not known. */
  lowest: number;
  highest: number;
}

/** Quantiles of what was recorded in each bucket of time. */
function* quantilesOver<Buckets>(
  points: readonly ChartPoint<Buckets>[],
  series: ReadonlyMap<number, Series>,
  { times, width }: Timeline,
  reader: BucketReader<Buckets>,
): Steps<(Level | null)[][]> {
  const quantiles = Object.values(QUANTILES);
  const turn = new TimeSlice();
  // Series whose boundaries differ cannot be added up; the ones most series have speak for all.
  const boundaries = mostCommonBoundaries(points, series);
  const key = boundaries.join();
  const comparable = new Set(
    [...series.values()].filter((one) => one.boundaries.join() === key).map(({ id }) => id),
  );
  const all = times.map((): Distribution => ({ counts: new Map(), lowest: Infinity, highest: -Infinity }));
  for (const { series: id, time, buckets, lowest, highest } of points) {
    const one = all[bucketOf(time, times, width)];
    if (one !== undefined && buckets !== null && comparable.has(id)) {
      reader.each(buckets, (number, count) => {
        one.counts.set(number, (one.counts.get(number) ?? 0) + count);
      });
      one.lowest = Math.min(one.lowest, lowest ?? -Infinity);
      one.highest = Math.max(one.highest, highest ?? Infinity);
    }
    if (turn.isOver()) yield* turn.pass();
  }
  const perTime = all.map((one) =>
    boundaries.length === 0 && reader.quantiles !== undefined
      ? fineLevels(one, reader.quantiles(one.counts, quantiles))
      : interpolate(one, boundaries, quantiles),
  );
  return quantiles.map((_, index) => perTime.map((levels) => levels[index] ?? null));
}

/** Quantiles of what is in the store's own buckets, which are so fine that the value is its own bound. */
function fineLevels(
  { lowest, highest }: Distribution,
  quantiles: readonly (number | null)[],
): (Level | null)[] {
  return quantiles.map((found) => {
    if (found === null) return null;
    const value = Math.max(Math.min(found, highest), lowest);
    return { value, min: value, max: value };
  });
}

function mostCommonBoundaries(
  points: readonly ChartPoint<unknown>[],
  series: ReadonlyMap<number, Series>,
): readonly number[] {
  const all = [...new Set(points.map(({ series: id }) => id))].map((id) => series.get(id)?.boundaries ?? []);
  const votes = [...Map.groupBy(all, (boundaries) => boundaries.join()).values()];
  return votes.sort((a, b) => b.length - a.length)[0]?.[0] ?? [];
}

/**
 * As Prometheus does: values spread evenly within a bucket. The first begins with the lowest value and the last ends with the highest;
 * where that is not known, the last is its begin.
 */
function interpolate(
  { counts, lowest, highest }: Distribution,
  boundaries: readonly number[],
  quantiles: readonly number[],
): (Level | null)[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return quantiles.map(() => null);
  return quantiles.map((quantile) => {
    const rank = quantile * total;
    let below = 0;
    let bucket = 0;
    for (; bucket < boundaries.length; bucket += 1) {
      const count = counts.get(bucket) ?? 0;
      if (count > 0 && below + count >= rank) break;
      below += count;
    }
    const upper = boundaries[bucket] ?? Infinity;
    const lower = boundaries[bucket - 1] ?? Math.min(0, upper);
    const [min, max] = [Math.max(lower, Math.min(lowest, upper)), Math.min(upper, Math.max(highest, lower))];
    const share = (rank - below) / (counts.get(bucket) ?? 1);
    return {
      value: max === Infinity ? min : min + (max - min) * share,
      min,
      max: max === Infinity ? min : max,
    };
  });
}

/** The number of the bucket of a time. */
export function bucketOf(time: number, times: readonly number[], width: number): number {
  return Math.floor((time - (times[0] ?? 0)) / width);
}
