import { type Database } from '../database/database.js';
import { type InstrumentAnswer } from '../../reader/answers.interface.js';
import { readAttributes } from './read-json.js';

/** Values of one attribute that are offered as filters. */
const MAX_VALUES = 100;

export type InstrumentRow = Omit<InstrumentAnswer, 'attributes'>;

export const INSTRUMENT_COLUMNS = `instruments.id, services.name AS service, instruments.name, description, unit, type`;
export const INSTRUMENT_TABLES = 'instruments JOIN services ON services.id = instruments.service';

/** One series of an instrument. */
export interface Series {
  readonly id: number;
  /** The texts of its values. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Upper bounds of the buckets of a histogram; empty for those of `valueBucket()`. */
  readonly boundaries: readonly number[];
}

interface SeriesRow {
  readonly id: number;
  readonly instrument: number;
  readonly attributes: string;
  readonly boundaries: string | null;
}

/** Every instrument that has reported, by service and name; of one service, or of all. */
export function findInstruments(database: Database, service?: string): InstrumentAnswer[] {
  const sql = `SELECT ${INSTRUMENT_COLUMNS} FROM ${INSTRUMENT_TABLES}`;
  const rows =
    service === undefined
      ? database.all<InstrumentRow>(`${sql} ORDER BY services.name, instruments.name`)
      : database.all<InstrumentRow>(`${sql} WHERE services.name = ? ORDER BY instruments.name`, service);
  const series = new Map<number, Series[]>();
  for (const row of database.all<SeriesRow>('SELECT id, instrument, attributes, boundaries FROM series')) {
    const others = series.get(row.instrument);
    if (others === undefined) series.set(row.instrument, [toSeries(row)]);
    else others.push(toSeries(row));
  }
  return rows.map((row) => ({ ...row, attributes: valuesOf(series.get(row.id) ?? []) }));
}

/** The series of one instrument. */
export function readSeries(database: Database, instrument: number): Series[] {
  return database
    .all<SeriesRow>(
      'SELECT id, instrument, attributes, boundaries FROM series WHERE instrument = ?',
      instrument,
    )
    .map(toSeries);
}

/** Names of attributes and the values that series have. */
export function valuesOf(series: readonly Series[]): Record<string, string[]> {
  const values = new Map<string, Set<string>>();
  for (const { attributes } of series)
    for (const [key, value] of Object.entries(attributes)) {
      let known = values.get(key);
      if (known === undefined) values.set(key, (known = new Set()));
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
