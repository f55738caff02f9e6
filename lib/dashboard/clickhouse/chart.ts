import { type ExemplarAnswer } from '../reader/answers/answer-parts.interface.js';
import { type ChartAnswer } from '../reader/answers/metrics.interface.js';
import {
  type BucketReader,
  type ChartPoint,
  draw,
  groupLines,
  labelBy,
  type Series,
  splitTime,
  type Timeline,
} from '../reader/draw-chart.js';
import { type ChartFilter, type QueryOptions, type TimeRange } from '../reader/telemetry-reader.interface.js';
import { takeStepsInTurns } from '../steps-in-turns.js';
import { type ClickHouse } from './clickhouse.js';
import { processConditions, type TextAttributes } from './columns.js';
import { findInstrument, type StoredInstrument } from './instruments.js';
import { allOf, type Bindings } from './query.js';
import { readSummaries } from './read-traces.js';
import {
  BUCKET_COUNTS,
  type Increasing,
  numberColumn,
  REPORT_BEFORE_MS,
  reportBucket,
  reportedIn,
  SERIES,
  withIncreases,
} from './reports.js';

/** Of each bucket so many exemplars are tried: of some the trace is not stored. */
const TRIED = 6;

type PointOfBucket = ChartPoint<readonly number[]>;

const COUNTS: BucketReader<readonly number[]> = {
  each: (counts, take) => {
    counts.forEach((count, bucket) => {
      take(bucket, count);
    });
  },
};

/** What `draw()` takes: a point per series and bucket of time. */
interface Drawn {
  readonly series: ReadonlyMap<number, Series>;
  readonly points: readonly PointOfBucket[];
}

/** An instrument over time; undefined when it is not stored. */
export async function readChart(
  clickHouse: ClickHouse,
  filter: ChartFilter,
  options: QueryOptions = {},
): Promise<ChartAnswer | undefined> {
  const found = await findInstrument(clickHouse, filter.instrument, filter.from, options);
  if (found === undefined) return undefined;
  const timeline = splitTime(filter, Date.now());
  const [drawn, exemplars] = await Promise.all([
    readPoints(clickHouse, found, filter, timeline, options),
    readExemplars(clickHouse, found, filter, timeline, options),
  ]);
  const { answer: instrument } = found;
  const series: ChartAnswer['series'][number][] = [];
  for (const line of groupLines(drawn.points, drawn.series, labelBy(filter.group, instrument.type)))
    series.push(...(await takeStepsInTurns(draw(line, instrument, drawn.series, timeline, COUNTS))));
  options.signal?.throwIfAborted();
  return { instrument, times: timeline.times, series, exemplars };
}

function readPoints(
  clickHouse: ClickHouse,
  instrument: StoredInstrument,
  filter: ChartFilter,
  timeline: Timeline,
  options: QueryOptions,
): Promise<Drawn> {
  const source = { clickHouse, instrument, filter, timeline, options };
  if (instrument.answer.type === 'histogram') return readDistributions(source);
  return instrument.answer.type === 'counter' ? readIncreases(source) : readLevels(source);
}

interface Source {
  readonly clickHouse: ClickHouse;
  readonly instrument: StoredInstrument;
  readonly filter: ChartFilter;
  readonly timeline: Timeline;
  readonly options: QueryOptions;
}

const rangeOf = ({ filter, timeline }: Pick<Source, 'filter' | 'timeline'>): TimeRange => ({
  from: timeline.times[0] ?? filter.from,
  to: filter.to,
});

function placeOf(
  bind: Bindings,
  { answer: { service, name } }: StoredInstrument,
  filter: ChartFilter,
): string[] {
  return [
    `ServiceName = ${bind.text(service)}`,
    `MetricName = ${bind.text(name)}`,
    ...processConditions(bind, filter),
    ...(filter.filters ?? []).map(
      ({ key, value }) =>
        `mapContains(Attributes, ${bind.text(key)}) AND Attributes[${bind.text(key)}] = ${bind.text(value)}`,
    ),
  ];
}

/** Reports with what was added since those before them, and the label of their line. */
function increases(
  bind: Bindings,
  { clickHouse, instrument, filter, timeline }: Source,
  increasing: Increasing,
): string {
  const label = filter.group === undefined ? "''" : `Attributes[${bind.text(filter.group)}]`;
  return withIncreases(
    bind,
    clickHouse.tables[instrument.table],
    rangeOf({ filter, timeline }),
    placeOf(bind, instrument, filter),
    [increasing],
    [`${label} AS label`],
  );
}

/** Counters: what was added in each bucket. */
async function readIncreases(source: Source): Promise<Drawn> {
  const { clickHouse, filter, timeline, options } = source;
  const range = rangeOf(source);
  const rows = await clickHouse.rows<{ label: string; bucket: number; value: number }>(
    (
      bind,
    ) => `SELECT label, ${reportBucket(bind, range.from, timeline.width)} AS bucket, sum(addedValue) AS value
      FROM (${increases(bind, source, numberColumn('Value'))}) GROUP BY label, bucket`,
    options,
  );
  const lines = new PseudoSeries(filter.group);
  // Nothing was added; which lines there would be is known only without conditions.
  if (rows.length === 0 && filter.group === undefined && (filter.filters ?? []).length === 0)
    lines.idOf('', []);
  const points = rows.map(({ label, bucket, value }) => ({
    ...pointAt(lines.idOf(label, []), range.from + bucket * timeline.width),
    value,
  }));
  return { series: lines.series, points };
}

interface DistributionRow {
  readonly label: string;
  readonly bucket: number;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly lowest: number | null;
  readonly highest: number | null;
}

/** Histograms: how many values each of their buckets got in each bucket of time. */
async function readDistributions(source: Source): Promise<Drawn> {
  const { clickHouse, filter, timeline, options } = source;
  const range = rangeOf(source);
  // The exporter writes 0 where the extremes are not known; of sums since the start they are not those of the bucket.
  const isKnown = 'AggregationTemporality = 1 AND (Min != 0 OR Max != 0 OR Sum = 0)';
  const rows = await clickHouse.rows<DistributionRow>(
    (
      bind,
    ) => `SELECT label, ${reportBucket(bind, range.from, timeline.width)} AS bucket, ExplicitBounds AS bounds, sumForEach(addedBucketCounts) AS counts,
        if(countIf(NOT (${isKnown})) > 0, NULL, min(Min)) AS lowest, if(countIf(NOT (${isKnown})) > 0, NULL, max(Max)) AS highest
      FROM (${increases(bind, source, BUCKET_COUNTS)}) GROUP BY label, bucket, bounds`,
    options,
  );
  const lines = new PseudoSeries(filter.group);
  const points = rows.map(({ label, bucket, bounds, counts, lowest, highest }) => ({
    ...pointAt(lines.idOf(label, bounds), range.from + bucket * timeline.width),
    buckets: counts,
    lowest,
    highest,
  }));
  return { series: lines.series, points };
}

interface LevelRow {
  readonly series: string;
  readonly attributes: TextAttributes;
  readonly bucket: number;
  readonly value: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Gauges and sums that also fall: the mean and the extremes of each series in each bucket. */
async function readLevels(source: Source): Promise<Drawn> {
  const { clickHouse, instrument, filter, timeline, options } = source;
  const range = rangeOf(source);
  const rows = await clickHouse.rows<LevelRow>(
    (
      bind,
    ) => `SELECT toString(${SERIES}) AS series, any(Attributes) AS attributes, ${reportBucket(bind, range.from, timeline.width)} AS bucket,
        avg(Value) AS value, min(Value) AS lowest, max(Value) AS highest
      FROM ${clickHouse.tables[instrument.table]} WHERE ${allOf([reportedIn(bind, range), ...placeOf(bind, instrument, filter)])}
      GROUP BY series, bucket ORDER BY bucket`,
    options,
  );
  const series = new Map<number, Series>();
  const ids = new Map<string, number>();
  const points = rows.map(({ series: hash, attributes, bucket, ...level }) => {
    const id = ids.get(hash) ?? ids.size;
    ids.set(hash, id);
    if (!series.has(id)) series.set(id, { id, attributes, boundaries: [] });
    return { ...pointAt(id, range.from + bucket * timeline.width), ...level };
  });
  return { series, points };
}

/** Lines whose series were added up by the database: one for each label and list of boundaries. */
class PseudoSeries {
  readonly series = new Map<number, Series>();
  private readonly ids = new Map<string, number>();

  constructor(private readonly group: string | undefined) {}

  idOf(label: string, boundaries: readonly number[]): number {
    const key = JSON.stringify([label, boundaries]);
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.ids.size;
    this.ids.set(key, id);
    const attributes = Object.fromEntries(this.group === undefined ? [] : [[this.group, label]]);
    this.series.set(id, { id, attributes, boundaries });
    return id;
  }
}

function pointAt(series: number, time: number): PointOfBucket {
  return { series, time, value: 0, buckets: null, lowest: null, highest: null };
}

interface ExemplarRow {
  readonly time: number;
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
}

/** Of each bucket the largest of a trace without failed spans, and of one with. */
async function readExemplars(
  clickHouse: ClickHouse,
  instrument: StoredInstrument,
  filter: ChartFilter,
  timeline: Timeline,
  options: QueryOptions,
): Promise<ExemplarAnswer[]> {
  const range = rangeOf({ filter, timeline });
  const rows = await clickHouse.rows<ExemplarRow>((bind) => {
    const [from, to] = [bind.integer(range.from), bind.integer(range.to)];
    return `SELECT toInt64(toUnixTimestamp(at)) * 1000 AS time, value, traceId, spanId FROM ${clickHouse.tables[instrument.table]}
        ARRAY JOIN Exemplars.TimeUnix AS at, Exemplars.Value AS value, Exemplars.TraceId AS traceId, Exemplars.SpanId AS spanId
      WHERE ${allOf([reportedIn(bind, { from: range.from, to: range.to + REPORT_BEFORE_MS }), ...placeOf(bind, instrument, filter)])}
        AND traceId != '' AND time >= ${from} AND time < ${to}
      ORDER BY value DESC LIMIT 1 BY traceId, spanId LIMIT ${bind.integer(TRIED * timeline.times.length)}`;
  }, options);
  const summaries = await readSummaries(
    clickHouse,
    [...new Set(rows.map(({ traceId }) => traceId))],
    options,
  );
  const taken = new Set<string>();
  return rows.flatMap(({ time, value, traceId, spanId }) => {
    const summary = summaries.get(traceId);
    if (summary === undefined) return [];
    const error = summary.errorCount > 0;
    const place = `${Math.floor((time - range.from) / timeline.width)} ${error}`;
    if (taken.has(place)) return [];
    taken.add(place);
    return [{ time, value, traceId, spanId, error, label: summary.name }];
  });
}
