import { type JsonAttributes } from '../reader/answers/answer-parts.interface.js';
import { type SelectionAnswer } from '../reader/answers/traces.interface.js';
import { AttributeTallies } from '../reader/rank-attributes.js';
import { type QueryOptions, type Selection } from '../reader/telemetry-reader.interface.js';
import { TimeSlice } from '../steps.js';
import { takeStepsInTurns } from '../steps-in-turns.js';
import { type ClickHouse } from './clickhouse.js';
import { DURATION, readAttributes, type TextAttributes } from './columns.js';
import { entryCondition, findTraces } from './find-traces.js';
import { allOf, type Bindings } from './query.js';
import { WEIGHT } from './weight.js';

const SHOWN_TRACES = 50;
/** Traces that are looked at on each side; more would not change the shares much. */
const SAMPLE = 200;
/** Spans of a trace that are looked at. */
const MAX_SPANS = 200;
/** Traces whose spans one query reads. They are all over the range, so that each query reads most of what the range has. */
const PAGE = 200;

interface SampleRow {
  readonly traceId: string;
  readonly isSelected: 0 | 1;
  /** How many its entry stands for. */
  readonly weight: number;
}

/**
 * What the traces that entered in a region have more often than the rest of the same service and route, most telling first.
 * The rest are those around it in time, and within it with other durations.
 */
export async function rankSelection(
  clickHouse: ClickHouse,
  selection: Selection,
  options: QueryOptions = {},
): Promise<SelectionAnswer> {
  const [sample, { items }] = await Promise.all([
    sampleEntries(clickHouse, selection, options),
    findTraces(clickHouse, { ...selection, limit: SHOWN_TRACES }, options),
  ]);
  const tallies = new AttributeTallies();
  const places = { selected: 0, others: 0 };
  for (let index = 0; index < sample.length; index += PAGE) {
    const part = sample.slice(index, index + PAGE);
    const spans = await readParts(clickHouse, selection, part, options);
    for (const { traceId, isSelected, weight } of part) {
      const side = isSelected === 1 ? 'selected' : 'others';
      tallies.add(side, places[side], weight, spans.get(traceId) ?? []);
      places[side] += 1;
    }
  }
  const attributes = await takeStepsInTurns(tallies.rank(new TimeSlice()));
  options.signal?.throwIfAborted();
  return { ...places, attributes, traces: items };
}

/** The begin of the region and the time around it, where the others are. */
function around(bind: Bindings, { from, to }: Selection): string {
  const length = to - from;
  return `Timestamp >= ${bind.instant(from - length)} AND Timestamp < ${bind.instant(to + length)}`;
}

/** Some traces of each side, each as likely as any other, and the same ones whenever they are asked for: those with the smallest hashes. */
function sampleEntries(
  clickHouse: ClickHouse,
  selection: Selection,
  options: QueryOptions,
): Promise<SampleRow[]> {
  return clickHouse.rows<SampleRow>((bind) => {
    const { from, to, minMs, maxMs } = selection;
    const selected = [`Timestamp >= ${bind.instant(from)} AND Timestamp < ${bind.instant(to)}`];
    if (minMs !== undefined) selected.push(`${DURATION} >= ${bind.number(minMs * 1_000)}`);
    if (maxMs !== undefined) selected.push(`${DURATION} <= ${bind.number(maxMs * 1_000)}`);
    return `SELECT traceId, isSelected, weight FROM (
        SELECT TraceId AS traceId, toUInt8(max(${allOf(selected)})) AS isSelected, min(${WEIGHT}) AS weight FROM ${clickHouse.tables.traces}
        WHERE ${around(bind, selection)} AND ${entryCondition(bind, selection)} GROUP BY TraceId
      ) ORDER BY cityHash64(traceId), traceId LIMIT ${bind.integer(SAMPLE)} BY isSelected`;
  }, options);
}

/** What is compared of a span. */
interface Part {
  readonly name: string;
  readonly attributes: JsonAttributes;
}

async function readParts(
  clickHouse: ClickHouse,
  selection: Selection,
  sample: readonly SampleRow[],
  options: QueryOptions,
): Promise<Map<string, Part[]>> {
  const rows = await clickHouse.rows<{ traceId: string; name: string; attributes: TextAttributes }>(
    (
      bind,
    ) => `SELECT TraceId AS traceId, SpanName AS name, SpanAttributes AS attributes FROM ${clickHouse.tables.traces}
      WHERE ${around(bind, selection)} AND TraceId IN ${bind.texts(sample.map(({ traceId }) => traceId))}
      ORDER BY Timestamp LIMIT ${bind.integer(MAX_SPANS)} BY TraceId`,
    options,
  );
  const parts = new Map<string, Part[]>();
  for (const { traceId, name, attributes } of rows) {
    const part = { name, attributes: readAttributes(attributes) };
    const ofTrace = parts.get(traceId);
    if (ofTrace === undefined) parts.set(traceId, [part]);
    else ofTrace.push(part);
  }
  return parts;
}
