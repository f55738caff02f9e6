import { type TimeRange } from '../reader/telemetry-reader.interface.js';
import { allOf, type Bindings } from './query.js';

/** A sum since the start is compared with the report before: exporters report at least every few minutes. */
export const REPORT_BEFORE_MS = 10 * 60_000;

const hashOf = (column: string): string => `mapKeys(${column}), mapValues(${column})`;
/** Tells the series of an instrument apart, also those of several processes. */
export const SERIES = `cityHash64(MetricName, ${hashOf('ResourceAttributes')}, ScopeName, ${hashOf('Attributes')})`;

/** That a row of metrics is of a range; these have whole seconds. */
export function reportedIn(bind: Bindings, { from, to }: TimeRange): string {
  return `TimeUnix >= ${bind.second(from)} AND TimeUnix < ${bind.second(to)}`;
}

/** The number of the bucket of a row of metrics; below 0 before the first. */
export function reportBucket(bind: Bindings, from: number, width: number): string {
  return `toInt64(floor((toInt64(toUnixTimestamp(TimeUnix)) * 1000 - ${bind.integer(from)}) / ${bind.integer(width)}))`;
}

/** A column of which the increase is asked for. */
export interface Increasing {
  readonly column: 'Value' | 'Sum' | 'Count' | 'BucketCounts';
  /** What came since the report before, whose value is in the column `before`. */
  readonly difference: (before: string) => string;
}

/** @param column of single numbers */
export function numberColumn(column: 'Value' | 'Sum' | 'Count'): Increasing {
  // Whole numbers without a sign would have a difference with one.
  const type = column === 'Count' ? 'toUInt64' : 'toFloat64';
  return { column, difference: (before) => `${type}(${column} - ${before})` };
}

export const BUCKET_COUNTS: Increasing = {
  column: 'BucketCounts',
  difference: (before) =>
    `arrayMap((now, earlier) -> toUInt64(if(now > earlier, now - earlier, 0)), BucketCounts, arrayResize(${before}, length(BucketCounts)))`,
};

const NOTHING: Readonly<Record<Increasing['column'], string>> = {
  Value: 'toFloat64(0)',
  Sum: 'toFloat64(0)',
  Count: 'toUInt64(0)',
  BucketCounts: "CAST([], 'Array(UInt64)')",
};

/**
 * Rows of metrics, as SQL, with what was added since the report before, as `addedSum` for the column `Sum`: of reports that begin again
 * each time (`AggregationTemporality` 1) and of those that count since the start of the process. What the first report of a process says
 * that started long before is not known to be of the range: it counts as nothing.
 *
 * @param place further conditions
 * @param columns further columns of each row
 */
export function withIncreases(
  bind: Bindings,
  table: string,
  range: TimeRange,
  place: readonly string[],
  increasing: readonly Increasing[],
  columns: readonly string[] = [],
): string {
  const begin = range.from - REPORT_BEFORE_MS;
  const before = increasing.map(({ column }) => `lagInFrame(${column}) OVER reported AS before${column}`);
  const [first] = increasing;
  const total = (column: string): string =>
    column.endsWith('BucketCounts') ? `arraySum(${column})` : column;
  const restarted = first === undefined ? '0' : `${total(first.column)} < ${total(`before${first.column}`)}`;
  const added = increasing.map(
    ({ column, difference }) => `multiIf(AggregationTemporality = 1, ${column},
      report = 1, if(StartTimeUnix >= ${bind.second(begin)}, ${column}, ${NOTHING[column]}),
      StartTimeUnix != beforeStart OR ${restarted}, ${column}, ${difference(`before${column}`)}) AS added${column}`,
  );
  return `SELECT *, ${added.join(', ')} FROM (
      SELECT ${['*', ...columns, ...before].join(', ')}, row_number() OVER reported AS report,
        lagInFrame(StartTimeUnix) OVER reported AS beforeStart
      FROM ${table} WHERE ${allOf([reportedIn(bind, { from: begin, to: range.to }), ...place])}
      WINDOW reported AS (PARTITION BY ${SERIES} ORDER BY TimeUnix ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ) WHERE TimeUnix >= ${bind.second(range.from)}`;
}
