import { type ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type ChartAnswer } from '../../reader/answers/metrics.interface.js';
import {
  type BucketReader,
  draw,
  groupLines,
  labelBy,
  type Series,
  splitTime,
} from '../../reader/draw-chart.js';
import { type ChartFilter, type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps } from '../../steps.js';
import { type Database } from '../database/database.js';
import { quantilesOf, readCounts } from '../encoding/buckets.js';
import { hexOf } from '../encoding/ids.js';
import {
  INSTRUMENT_COLUMNS,
  INSTRUMENT_TABLES,
  type InstrumentRow,
  readPoints,
  readSeries,
  valuesOf,
} from './instruments.js';

const COUNTS: BucketReader<Uint8Array> = { each: readCounts, quantiles: quantilesOf };

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
  for (const line of lines) series.push(...(yield* draw(line, row, byId, timeline, COUNTS)));
  return {
    instrument: { ...row, attributes: valuesOf(all) },
    times: timeline.times,
    series,
    exemplars: chosen.length === 0 ? [] : readExemplars(database, chosen, range, timeline.width),
  };
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
