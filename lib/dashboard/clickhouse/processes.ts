import { ATTR_HOST_NAME, ATTR_PROCESS_PID } from '../../config/semantic-conventions.constants.js';
import { getOrAdd } from '../get-or-add.js';
import {
  type ProcessAnswer,
  type ProcessChartsAnswer,
  type ProcessSeries,
  type ProcessValuesAnswer,
} from '../reader/answers/processes.interface.js';
import { HOLDS_MS, PROCESS_METRICS, type ProcessMetric } from '../reader/process-metrics.js';
import {
  type ProcessFilter,
  type ProcessQuestion,
  type QueryOptions,
  type TimeRange,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import {
  ENVIRONMENT,
  INSTANCE,
  PROCESS,
  processConditions,
  readAttributes,
  type TextAttributes,
  VERSION,
} from './columns.js';
import { allOf, type Bindings } from './query.js';
import { numberColumn, reportBucket, reportedIn, SERIES, withIncreases } from './reports.js';
import { type Buckets, inRange, splitRange } from './timeline.js';

const MAX_PROCESSES = 200;
/** Since when reports count for the first one of a process. */
const KNOWN_MS = 24 * 3_600_000;
/** Metrics are collected every few seconds; finer buckets would be empty in turn. */
const MIN_WIDTH_MS = 10_000;

const METRICS = Object.entries(PROCESS_METRICS).map(([name, definition]) => ({
  name: name as ProcessMetric, // the keys are the names
  metric: definition.metric,
  by: 'by' in definition ? definition.by : undefined,
}));

/** The names are constants of this library. */
const IS_PROCESS_METRIC = `MetricName IN (${METRICS.map(({ metric }) => `'${metric}'`).join(', ')})`;
const LABEL = `multiIf(${METRICS.flatMap(({ metric, by }) => (by === undefined ? [] : [`MetricName = '${metric}', Attributes['${by}']`])).join(', ')}, '')`;

interface ProcessRow {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  readonly attributes: TextAttributes;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Processes that reported in the range, the last seen first. */
export async function findProcesses(
  clickHouse: ClickHouse,
  { from, to, ...choice }: ProcessFilter,
  options: QueryOptions = {},
): Promise<ProcessAnswer[]> {
  const chosen = (bind: Bindings) => processConditions(bind, choice);
  const found = await readProcesses(clickHouse, chosen, { from: from - KNOWN_MS, to }, options);
  return found
    .filter(({ lastSeen }) => lastSeen >= from)
    .sort((a, b) => b.lastSeen - a.lastSeen)
    .slice(0, MAX_PROCESSES);
}

/** What has reported in a range. */
async function readProcesses(
  clickHouse: ClickHouse,
  conditionsOf: (bind: Bindings) => readonly string[],
  range: TimeRange,
  options: QueryOptions,
): Promise<ProcessAnswer[]> {
  const { gauges, sums, histograms } = clickHouse.tables;
  const rows = await clickHouse.rows<ProcessRow>(
    (bind) =>
      [gauges, sums, histograms]
        .map(
          (
            table,
          ) => `SELECT ServiceName AS service, ${INSTANCE} AS instance, argMax(${VERSION}, TimeUnix) AS version,
              argMax(${ENVIRONMENT}, TimeUnix) AS environment, argMax(ResourceAttributes, TimeUnix) AS attributes,
              toInt64(toUnixTimestamp(min(TimeUnix))) * 1000 AS firstSeen, toInt64(toUnixTimestamp(max(TimeUnix))) * 1000 AS lastSeen
            FROM ${table} WHERE ${allOf([reportedIn(bind, range), IS_PROCESS_METRIC, ...conditionsOf(bind)])} GROUP BY service, instance`,
        )
        .join(' UNION ALL '),
    options,
  );
  const processes = new Map<string, ProcessAnswer>();
  for (const row of rows) {
    const key = JSON.stringify([row.service, row.instance]);
    const before = processes.get(key);
    const [newer, older] =
      before !== undefined && before.lastSeen > row.lastSeen ? [before, row] : [toProcess(row), before];
    processes.set(key, {
      ...newer,
      firstSeen: Math.min(newer.firstSeen, older?.firstSeen ?? Infinity),
    });
  }
  return [...processes.values()];
}

function toProcess({ attributes, ...row }: ProcessRow): ProcessAnswer {
  const { [ATTR_PROCESS_PID]: pid, [ATTR_HOST_NAME]: host } = readAttributes(attributes);
  return {
    ...row,
    pid: typeof pid === 'number' ? pid : undefined,
    host: host === undefined ? undefined : String(attributes[ATTR_HOST_NAME]),
  };
}

/** Values of one kind that are offered. */
const MAX_VALUES = 200;

/** What the resources say that have reported spans, lines or the metrics of a process in a range. */
export async function findProcessValues(
  clickHouse: ClickHouse,
  { from, to, service }: TimeRange & { readonly service?: string | undefined },
  options: QueryOptions = {},
): Promise<ProcessValuesAnswer> {
  const { traces, logs, gauges } = clickHouse.tables;
  const values = `groupUniqArray(${MAX_VALUES})(${VERSION}) AS versions, groupUniqArray(${MAX_VALUES})(${ENVIRONMENT}) AS environments,
    groupUniqArray(${MAX_VALUES})(${PROCESS}) AS processes`;
  const rows = await clickHouse.rows<ProcessValuesAnswer>((bind) => {
    const ofService = service === undefined ? [] : [`ServiceName = ${bind.text(service)}`];
    return [
      ...[traces, logs].map((table) => ({ table, range: inRange(bind, { from, to }) })),
      { table: gauges, range: `${reportedIn(bind, { from, to })} AND ${IS_PROCESS_METRIC}` },
    ]
      .map(({ table, range }) => `SELECT ${values} FROM ${table} WHERE ${allOf([range, ...ofService])}`)
      .join(' UNION ALL ');
  }, options);
  const all = (of: (row: ProcessValuesAnswer) => readonly string[]): string[] =>
    [...new Set(rows.flatMap(of))].filter(Boolean).sort((a, b) => a.localeCompare(b));
  return {
    versions: all((row) => row.versions),
    environments: all((row) => row.environments),
    processes: all((row) => row.processes),
  };
}

/** A level: the mean and the highest value of a bucket. An increase: the sum and the number of what was recorded. */
interface FigureRow {
  readonly metric: string;
  readonly label: string;
  readonly bucket: number;
  readonly one: number;
  readonly other: number;
}

/** One process over time; undefined when it has not reported. */
export async function readProcess(
  clickHouse: ClickHouse,
  { service, instance, buckets, ...asked }: ProcessQuestion,
  options: QueryOptions = {},
): Promise<ProcessChartsAnswer | undefined> {
  const least = Math.max(1, Math.floor((asked.to - asked.from) / MIN_WIDTH_MS));
  const range = splitRange(asked, Math.min(buckets, least));
  // Values from before may hold into the first bucket.
  const read = { from: range.from - Math.ceil(HOLDS_MS / range.width) * range.width, to: range.to };
  const own = (bind: Bindings): string[] => [
    `ServiceName = ${bind.text(service)}`,
    `${INSTANCE} = ${bind.text(instance)}`,
    IS_PROCESS_METRIC,
  ];
  const { gauges, sums, histograms } = clickHouse.tables;
  const bucket = (bind: Bindings): string => reportBucket(bind, range.from, range.width);
  const [[process], levels, totals, increases] = await Promise.all([
    readProcesses(
      clickHouse,
      own,
      { from: asked.from - KNOWN_MS, to: Math.max(asked.to, Date.now()) },
      options,
    ),
    clickHouse.rows<FigureRow>(
      (
        bind,
      ) => `SELECT MetricName AS metric, ${LABEL} AS label, ${bucket(bind)} AS bucket, avg(Value) AS one, max(Value) AS other
        FROM ${gauges} WHERE ${allOf([reportedIn(bind, read), ...own(bind)])} GROUP BY metric, label, bucket`,
      options,
    ),
    // The parts of what is counted up and down add up at each time.
    clickHouse.rows<FigureRow>(
      (bind) => `SELECT metric, label, bucket, avg(total) AS one, max(total) AS other FROM (
          SELECT MetricName AS metric, ${LABEL} AS label, ${bucket(bind)} AS bucket, TimeUnix, sum(latest) AS total FROM (
            SELECT MetricName, Attributes, TimeUnix, argMax(Value, StartTimeUnix) AS latest FROM ${sums}
            WHERE ${allOf([reportedIn(bind, read), 'NOT IsMonotonic', ...own(bind)])} GROUP BY MetricName, Attributes, TimeUnix, ${SERIES}
          ) GROUP BY metric, label, bucket, TimeUnix
        ) GROUP BY metric, label, bucket`,
      options,
    ),
    clickHouse.rows<FigureRow>(
      (
        bind,
      ) => `SELECT MetricName AS metric, ${LABEL} AS label, ${bucket(bind)} AS bucket, sum(addedSum) AS one, toFloat64(sum(addedCount)) AS other
        FROM (${withIncreases(bind, histograms, range, own(bind), [numberColumn('Count'), numberColumn('Sum')])})
        GROUP BY metric, label, bucket`,
      options,
    ),
  ]);
  if (process === undefined) return undefined;
  const lines = [
    ...linesOf([...levels, ...totals]).map((line) => ({ ...line, draw: drawLevel })),
    ...linesOf(increases).map((line) => ({ ...line, draw: drawIncrease })),
  ];
  const order = METRICS.map(({ name }) => name);
  return {
    process,
    times: range.times,
    series: lines
      .map(({ metric, label, figures, draw }): ProcessSeries => {
        const points = draw(figures, range, process);
        return {
          metric,
          label,
          values: points.map(([value]) => value),
          peaks: points.map(([, peak]) => peak),
        };
      })
      .sort((a, b) => order.indexOf(a.metric) - order.indexOf(b.metric) || a.label.localeCompare(b.label)),
  };
}

type Figures = ReadonlyMap<number, readonly [one: number, other: number]>;

interface Line {
  readonly metric: ProcessMetric;
  readonly label: string;
  readonly figures: Figures;
}

function linesOf(rows: readonly FigureRow[]): Line[] {
  const lines = new Map<
    string,
    Omit<Line, 'figures'> & { readonly figures: Map<number, readonly [number, number]> }
  >();
  for (const row of rows) {
    const definition = METRICS.find(({ metric }) => metric === row.metric);
    if (definition === undefined) continue;
    const line = getOrAdd(lines, JSON.stringify([row.metric, row.label]), () => ({
      metric: definition.name,
      label: row.label,
      figures: new Map<number, readonly [number, number]>(),
    }));
    line.figures.set(row.bucket, [row.one, row.other]);
  }
  return [...lines.values()];
}

type Point = readonly [value: number | null, peak: number | null];

/** A value holds until the next report. */
function drawLevel(figures: Figures, { times, width }: Buckets): Point[] {
  const before = Math.max(...[...figures.keys()].filter((index) => index < 0));
  let held = { value: figures.get(before)?.[0] ?? null, index: before };
  return times.map((time, index) => {
    const own = figures.get(index);
    if (own !== undefined) held = { value: own[0], index };
    if (time > Date.now()) return [null, null];
    if (own !== undefined) return own;
    return (index - held.index) * width < HOLDS_MS ? [held.value, held.value] : [null, null];
  });
}

function drawIncrease(
  figures: Figures,
  { times, width }: Buckets,
  { firstSeen, lastSeen }: ProcessAnswer,
): Point[] {
  const now = Date.now();
  return times.map((time, index) => {
    if (time > now || time + width <= firstSeen || time > lastSeen + HOLDS_MS) return [null, null];
    const [sum, count] = figures.get(index) ?? [0, 0];
    const seconds = Math.max(1_000, Math.min(width, now - time)) / 1_000;
    return [sum / seconds, count === 0 ? null : sum / count];
  });
}
