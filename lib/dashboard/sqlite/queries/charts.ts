import { type ChartAnswer, type ExemplarAnswer } from '../../reader/answers.interface.js';
import { HOLDS_MS } from '../../reader/process-metrics.js';
import { type ChartFilter, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { MINUTE_MS, quantilesOf, readCounts } from '../encoding/buckets.js';
import { hexOf } from '../encoding/ids.js';
import {
  FINE_RANGE_MS,
  INSTRUMENT_COLUMNS,
  INSTRUMENT_TABLES,
  type InstrumentRow,
  type PointRow,
  readPoints,
  readSeries,
  type Series,
  valuesOf,
} from './instruments.js';

/** More lines cannot be distinguished; those with the most points stay. */
const MAX_LINES = 20;
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
/** Metrics are collected every five seconds; finer buckets would be empty in turn. */
const MIN_WIDTH_MS = 10_000;

interface Line {
  readonly label: string;
  readonly points: PointRow[];
}

/**
 * An instrument over time: a counter per second, a histogram as three quantiles, anything else as the value that held. Undefined
 * for an instrument that is not in the store.
 */
export function* readChart(
  database: Database,
  filter: ChartFilter,
  now = Date.now(),
): Steps<ChartAnswer | undefined> {
  const row = database.get<InstrumentRow>(
    `SELECT ${INSTRUMENT_COLUMNS} FROM ${INSTRUMENT_TABLES} WHERE instruments.id = ?`,
    filter.instrument,
  );
  if (row === undefined) return undefined;
  const all = readSeries(database, row.id);
  const chosen = all.filter(({ attributes }) =>
    (filter.filters ?? []).every(({ key, value }) => attributes[key] === value),
  );
  const timeline = splitTime(filter, now);
  const range = { from: timeline.times[0] ?? filter.from, to: filter.to };
  const byId = new Map(chosen.map((series) => [series.id, series]));
  const points = chosen.length === 0 ? [] : yield* readPoints(database, chosen, range, now);
  yield;
  const lines = groupLines(points, byId, labelBy(filter.group, row.type));
  const series: ChartAnswer['series'][number][] = [];
  for (const line of lines) series.push(...(yield* draw(line, row, byId, timeline)));
  return {
    instrument: { ...row, attributes: valuesOf(all) },
    times: timeline.times,
    series,
    exemplars: chosen.length === 0 ? [] : readExemplars(database, chosen, range, timeline.width),
  };
}

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
export function labelBy(group: string | undefined, type: InstrumentRow['type']): (series: Series) => string {
  if (group !== undefined) return ({ attributes }) => attributes[group] ?? '';
  if (type !== 'gauge') return () => '';
  return ({ attributes }) =>
    Object.entries(attributes)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
}

export function groupLines(
  points: readonly PointRow[],
  series: ReadonlyMap<number, Series>,
  labelOf: (series: Series) => string,
): Line[] {
  const labels = new Map([...series].map(([id, one]) => [id, labelOf(one)]));
  const lines = new Map<string, Line>();
  for (const label of labels.values()) if (!lines.has(label)) lines.set(label, { label, points: [] });
  for (const point of points) lines.get(labels.get(point.series) ?? '')?.points.push(point);
  return [...lines.values()]
    .sort((a, b) => b.points.length - a.points.length)
    .slice(0, MAX_LINES)
    .sort((a, b) => a.label.localeCompare(b.label));
}

export function* draw(
  { label, points }: Line,
  { type, name }: InstrumentRow,
  series: ReadonlyMap<number, Series>,
  timeline: Timeline,
): Steps<ChartAnswer['series']> {
  if (type === 'counter') return [{ label, values: ratesOf(points, timeline) }];
  if (type === 'histogram') {
    const names = Object.keys(QUANTILES);
    const lines = yield* quantilesOver(points, series, timeline, Object.values(QUANTILES));
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

/** Of each bucket of time the largest of a trace without failed spans, and of one with. */
const EXEMPLARS = `SELECT time, value, traceId, spanId, failed, name FROM (
    SELECT time, value, traces.trace_id AS traceId, span_id AS spanId, error_count > 0 AS failed, traces.name,
      row_number() OVER (PARTITION BY CAST((time - ?) / ? AS INTEGER), error_count > 0 ORDER BY value DESC) AS place
    FROM exemplars JOIN traces ON traces.id = exemplars.trace
    WHERE series IN (SELECT value FROM json_each(?)) AND time >= ? AND time < ?
  ) WHERE place = 1 ORDER BY value DESC`;

interface ExemplarRow {
  readonly time: number;
  readonly value: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly failed: number;
  readonly name: string;
}

function readExemplars(
  database: Database,
  series: readonly Series[],
  { from, to }: TimeRange,
  width: number,
): ExemplarAnswer[] {
  const ids = JSON.stringify(series.map(({ id }) => id));
  const rows = database.all<ExemplarRow>(EXEMPLARS, from, width, ids, from, to);
  return rows.map(({ time, value, traceId, spanId, failed, name }) => ({
    time,
    value,
    traceId: hexOf(traceId),
    spanId: hexOf(spanId),
    error: failed === 1,
    label: name,
  }));
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
function ratesOf(points: readonly PointRow[], { times, width, now }: Timeline): (number | null)[] {
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
function levelsOf(points: readonly PointRow[], timeline: Timeline, addsUp: boolean): (Level | null)[] {
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

function levelsOfOne(points: readonly PointRow[], { times, width, now }: Timeline): (Level | null)[] {
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
function* quantilesOver(
  points: readonly PointRow[],
  series: ReadonlyMap<number, Series>,
  { times, width }: Timeline,
  quantiles: readonly number[],
): Steps<(Level | null)[][]> {
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
      readCounts(buckets, (number, count) => {
        one.counts.set(number, (one.counts.get(number) ?? 0) + count);
      });
      one.lowest = Math.min(one.lowest, lowest ?? -Infinity);
      one.highest = Math.max(one.highest, highest ?? Infinity);
    }
    if (turn.isOver()) yield* turn.pass();
  }
  const perTime = all.map((one) =>
    boundaries.length === 0 ? fineLevels(one, quantiles) : interpolate(one, boundaries, quantiles),
  );
  return quantiles.map((_, index) => perTime.map((levels) => levels[index] ?? null));
}

/** Quantiles of what is in the store's own buckets, which are so fine that the value is its own bound. */
function fineLevels(
  { counts, lowest, highest }: Distribution,
  quantiles: readonly number[],
): (Level | null)[] {
  return quantilesOf(counts, quantiles).map((found) => {
    if (found === null) return null;
    const value = Math.max(Math.min(found, highest), lowest);
    return { value, min: value, max: value };
  });
}

function mostCommonBoundaries(
  points: readonly PointRow[],
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

export function bucketOf(time: number, times: readonly number[], width: number): number {
  return Math.floor((time - (times[0] ?? 0)) / width);
}
