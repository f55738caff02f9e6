import { getOrAdd } from '../../get-or-add.js';
import { type InstrumentAnswer } from '../../reader/answers/metrics.interface.js';
import { type ChartPoint, FINE_RANGE_MS, type Series } from '../../reader/draw-chart.js';
import { type TimeRange } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { blockOf, COLLECTED_POINTS_KEPT_MS, MINUTE_MS, POINT_LEVEL } from '../encoding/buckets.js';
import { readAttributes } from './query-parts.js';

/** Values of one attribute that are offered as filters. */
const MAX_VALUES = 100;

export type InstrumentRow = Omit<InstrumentAnswer, 'attributes'>;

export const INSTRUMENT_COLUMNS = `instruments.id, services.name AS service, instruments.name, description, unit, type`;
export const INSTRUMENT_TABLES = 'instruments JOIN services ON services.id = instruments.service';

interface SeriesRow {
  readonly id: number;
  readonly instrument: number;
  readonly attributes: string;
  readonly boundaries: string | null;
}

const SERIES = 'SELECT id, instrument, attributes, boundaries FROM series';

/** Every instrument that has reported, by service and name; of one service, or of all. */
export function findInstruments(database: Database, service?: string): InstrumentAnswer[] {
  const sql = `SELECT ${INSTRUMENT_COLUMNS} FROM ${INSTRUMENT_TABLES}`;
  const rows =
    service === undefined
      ? database.all<InstrumentRow>(`${sql} ORDER BY services.name, instruments.name`)
      : database.all<InstrumentRow>(`${sql} WHERE services.name = ? ORDER BY instruments.name`, service);
  const series = Map.groupBy(database.all<SeriesRow>(SERIES), ({ instrument }) => instrument);
  return rows.map((row) => ({ ...row, attributes: valuesOf(series.get(row.id)?.map(toSeries) ?? []) }));
}

/** The series of one instrument. */
export function readSeries(database: Database, instrument: number): Series[] {
  return database.all<SeriesRow>(`${SERIES} WHERE instrument = ?`, instrument).map(toSeries);
}

/** Names of attributes and the values that series have. */
export function valuesOf(series: readonly Series[]): Record<string, string[]> {
  const values = new Map<string, Set<string>>();
  for (const [key, value] of series.flatMap(({ attributes }) => Object.entries(attributes))) {
    const known = getOrAdd(values, key, () => new Set());
    if (known.size < MAX_VALUES) known.add(value);
  }
  return Object.fromEntries(
    [...values].map(([key, known]) => [key, [...known].sort((a, b) => a.localeCompare(b))]),
  );
}

function toSeries({ id, attributes, boundaries }: SeriesRow): Series {
  const texts = Object.entries(readAttributes(attributes)).map(([key, value]): [string, string] => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return {
    id,
    attributes: Object.fromEntries(texts),
    boundaries: boundaries === null ? [] : (JSON.parse(boundaries) as number[]),
  };
}

/** A minute is written when it is over. */
const MINUTE_LATE_MS = 5_000;

/** A point as it is stored; see `StoredPoint`. */
export type PointRow = ChartPoint<Uint8Array>;

/** The points of these series, in the order of time or of blocks of time: as collected for a short range, by the minute for a long one. */
export function* readPoints(
  database: Database,
  series: readonly Series[],
  { from, to }: TimeRange,
  now = Date.now(),
): Steps<PointRow[]> {
  const ids = JSON.stringify(series.map(({ id }) => id));
  const { asCollected, minute } = POINT_LEVEL;
  if (to - from <= FINE_RANGE_MS && from >= now - COLLECTED_POINTS_KEPT_MS)
    return yield* readLevel(database, asCollected, ids, { from, to });
  const complete = Math.floor((now - MINUTE_LATE_MS) / MINUTE_MS) * MINUTE_MS;
  const minutes = yield* readLevel(database, minute, ids, {
    from: Math.floor(from / MINUTE_MS) * MINUTE_MS,
    to: Math.min(to, complete),
  });
  const rest = { from: Math.max(from, complete), to };
  if (rest.from >= rest.to) return minutes;
  return minutes.concat(yield* readLevel(database, asCollected, ids, rest));
}

interface PlacedRow extends PointRow {
  readonly block: number;
}

/** Points between two looks at the clock. */
const SLICE = 500;

const POINTS = `SELECT block, series, time, value, buckets, lowest, highest FROM points
  WHERE level = ? AND (block, series, time) > (?, ?, ?) AND block < ? AND series IN (SELECT value FROM json_each(?))
    AND time >= ? AND time < ?
  ORDER BY block, series, time LIMIT ?`;

function* readLevel(
  database: Database,
  level: number,
  series: string,
  { from, to }: TimeRange,
): Steps<PointRow[]> {
  const points: PointRow[] = [];
  const turn = new TimeSlice();
  for (let last = { block: blockOf(level, from), series: -1, time: -1 }; ;) {
    const place = [level, last.block, last.series, last.time, to];
    const rows = database.all<PlacedRow>(POINTS, ...place, series, from, to, SLICE);
    for (const row of rows) points.push(row);
    last = rows.at(-1) ?? last;
    if (rows.length < SLICE) return points;
    if (turn.isOverNow()) yield* turn.pass();
  }
}
