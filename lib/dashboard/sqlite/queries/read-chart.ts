import { type ChartFilter, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { hexOf } from '../encoding/ids.js';
import { MINUTE_MS } from '../resolutions.js';
import { type ChartAnswer, type ExemplarAnswer } from '../../reader/answers.interface.js';
import {
  INSTRUMENT_COLUMNS,
  INSTRUMENT_TABLES,
  type InstrumentRow,
  readSeries,
  type Series,
  valuesOf,
} from './find-instruments.js';
import { FINE_RANGE_MS, type PointRow, readPoints } from './point-range.js';
import { levelsOf, quantilesOver, ratesOf, type Timeline } from './series-over-time.js';
import { type Steps } from '../../steps.js';

/** More lines cannot be told apart; the ones with most points stay. */
const MAX_LINES = 20;
const MAX_EXEMPLARS = 300;
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
  for (const line of lines) series.push(...(yield* draw(line, row.type, byId, timeline)));
  return {
    instrument: { ...row, attributes: valuesOf(all) },
    times: timeline.times,
    series,
    exemplars: chosen.length === 0 ? [] : readExemplars(database, chosen, range),
  };
}

function splitTime({ from, to, buckets }: ChartFilter, now: number): Timeline {
  const smallest = to - from > FINE_RANGE_MS ? MINUTE_MS : MIN_WIDTH_MS;
  const width = Math.max(1, Math.ceil((to - from) / Math.max(1, buckets) / smallest)) * smallest;
  const first = Math.floor(from / width) * width;
  const times = Array.from({ length: Math.ceil((to - first) / width) }, (_, index) => first + index * width);
  return { times, width, now };
}

/** What the line is called to which a series belongs. */
function labelBy(group: string | undefined, type: InstrumentRow['type']): (series: Series) => string {
  if (group !== undefined) return ({ attributes }) => attributes[group] ?? '';
  if (type !== 'gauge') return () => '';
  return ({ attributes }) =>
    Object.entries(attributes)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
}

function groupLines(
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

function* draw(
  { label, points }: Line,
  type: InstrumentRow['type'],
  series: ReadonlyMap<number, Series>,
  timeline: Timeline,
): Steps<ChartAnswer['series']> {
  if (type === 'histogram') {
    const names = Object.keys(QUANTILES);
    const lines = yield* quantilesOver(points, series, timeline, Object.values(QUANTILES));
    return lines.map((values, index) => ({ label: [label, names[index]].filter(Boolean).join(' '), values }));
  }
  if (type === 'counter') return [{ label, values: ratesOf(points, timeline) }];
  return [{ label, values: levelsOf(points, timeline, type === 'updowncounter') }];
}

interface ExemplarRow {
  readonly time: number;
  readonly value: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly errorCount: number;
  readonly name: string;
}

function readExemplars(
  database: Database,
  series: readonly Series[],
  { from, to }: TimeRange,
): ExemplarAnswer[] {
  const rows = database.all<ExemplarRow>(
    `SELECT time, value, traces.trace_id AS traceId, span_id AS spanId, error_count AS errorCount, traces.name
     FROM exemplars JOIN traces ON traces.id = exemplars.trace
     WHERE series IN (SELECT value FROM json_each(?)) AND time >= ? AND time < ? ORDER BY value DESC LIMIT ?`,
    JSON.stringify(series.map(({ id }) => id)),
    from,
    to,
    MAX_EXEMPLARS,
  );
  return rows.map(({ time, value, traceId, spanId, errorCount, name }) => ({
    time,
    value,
    traceId: hexOf(traceId),
    spanId: hexOf(spanId),
    error: errorCount > 0,
    label: name,
  }));
}
