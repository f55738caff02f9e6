import { type InstrumentAnswer } from '../reader/answers/metrics.interface.js';
import { type QueryOptions } from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import { allOf, type Bindings } from './query.js';

/** An instrument that has not reported for so long is not listed. */
const KNOWN_MS = 24 * 3_600_000;
/** Values of one attribute that are offered as filters. */
const MAX_VALUES = 100;
/** Attributes with their values of one instrument. */
const MAX_PAIRS = 2_000;

export type MetricTable = 'gauges' | 'sums' | 'histograms';

/** An instrument, and the table that has its reports. */
export interface StoredInstrument {
  readonly answer: InstrumentAnswer;
  readonly table: MetricTable;
}

interface InstrumentRow {
  readonly id: number;
  readonly service: string;
  readonly name: string;
  readonly table: MetricTable;
  readonly description: string;
  readonly unit: string;
  readonly monotonic: 0 | 1;
  readonly pairs: readonly (readonly [key: string, value: string])[];
}

const TABLES: readonly MetricTable[] = ['gauges', 'sums', 'histograms'];

const idIn = (table: MetricTable): string =>
  `bitShiftRight(cityHash64('${table}', ServiceName, MetricName), 11)`;

/** Instruments that have reported in the last day, by service and name; of one service, or of all. */
export async function findInstruments(
  clickHouse: ClickHouse,
  service: string | undefined,
  options: QueryOptions = {},
): Promise<InstrumentAnswer[]> {
  const found = await readInstruments(
    clickHouse,
    (bind) => (service === undefined ? [] : [`ServiceName = ${bind.text(service)}`]),
    options,
  );
  return found.map(({ answer }) => answer);
}

/** One of them; undefined where it has not reported. */
export async function findInstrument(
  clickHouse: ClickHouse,
  id: number,
  since: number,
  options: QueryOptions,
): Promise<StoredInstrument | undefined> {
  const [found] = await readInstruments(
    clickHouse,
    (bind, table) => [`${idIn(table)} = ${bind.integer(id)}`],
    options,
    since,
  );
  return found;
}

async function readInstruments(
  clickHouse: ClickHouse,
  conditionsOf: (bind: Bindings, table: MetricTable) => string[],
  options: QueryOptions,
  since = Infinity,
): Promise<StoredInstrument[]> {
  const rows = await clickHouse.rows<InstrumentRow>(
    (bind) =>
      TABLES.map((table) => {
        const begin = bind.second(Math.min(since, Date.now() - KNOWN_MS));
        return `SELECT ${idIn(table)} AS id, toString(ServiceName) AS service, toString(MetricName) AS name, '${table}' AS table,
            any(MetricDescription) AS description, any(MetricUnit) AS unit, ${table === 'sums' ? 'toUInt8(any(IsMonotonic))' : '0'} AS monotonic,
            groupUniqArrayArray(${MAX_PAIRS})(arrayZip(arrayMap(key -> toString(key), mapKeys(Attributes)), mapValues(Attributes))) AS pairs
          FROM ${clickHouse.tables[table]} WHERE ${allOf([`TimeUnix >= ${begin}`, ...conditionsOf(bind, table)])}
          GROUP BY ServiceName, MetricName`;
      }).join(' UNION ALL '),
    options,
  );
  return rows
    .map(({ pairs, monotonic, table, ...row }) => ({
      table,
      answer: { ...row, type: typeOf(table, monotonic === 1), attributes: valuesOf(pairs) },
    }))
    .sort(
      (a, b) =>
        a.answer.service.localeCompare(b.answer.service) || a.answer.name.localeCompare(b.answer.name),
    );
}

function typeOf(table: MetricTable, isMonotonic: boolean): InstrumentAnswer['type'] {
  if (table === 'histograms') return 'histogram';
  if (table === 'gauges') return 'gauge';
  return isMonotonic ? 'counter' : 'updowncounter';
}

function valuesOf(pairs: InstrumentRow['pairs']): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [key, value] of [...pairs].sort(([, a], [, b]) => a.localeCompare(b))) {
    const ofKey = values.get(key);
    if (ofKey === undefined) values.set(key, [value]);
    else if (ofKey.length < MAX_VALUES) ofKey.push(value);
  }
  return Object.fromEntries(values);
}
