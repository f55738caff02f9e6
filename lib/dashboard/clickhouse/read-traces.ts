import { type JsonAttributes } from '../reader/answers/answer-parts.interface.js';
import {
  type SpanAnswer,
  type TraceAnswer,
  type TraceSummaryAnswer,
} from '../reader/answers/traces.interface.js';
import {
  choosesProcesses,
  type ProcessChoice,
  type QueryOptions,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import {
  DURATION,
  FAILED,
  IS_ENTRY,
  kindOf,
  known,
  OUTCOME,
  processConditions,
  RANK,
  readAttributes,
  ROUTE,
  START,
  statusOf,
  type TextAttributes,
} from './columns.js';
import { findLogs } from './find-logs.js';
import { allOf, type Bindings } from './query.js';
import { WEIGHT } from './weight.js';

/** More spans than that cannot be shown. */
const MAX_SPANS = 20_000;
const MAX_LOGS = 10_000;
/** Named in the summary of a trace. */
const MAX_SERVICES = 100;
/** Log lines of a trace may be older than its first span, and newer than its last one. */
const LOGS_AROUND_MS = 3_600_000;

const TRACE_ID = /^[\da-f]{32}$/i;

/** Where the spans of these traces are: the exporter keeps the time of each trace beside its table, by id. */
function ofTraces(bind: Bindings, { tables }: ClickHouse, traceIds: readonly string[]): string {
  const ids = bind.texts(traceIds);
  // As DateTime64: ClickHouse 26.7 leaves out rows of the same second where a DateTime is compared with `<`.
  const times = `FROM ${tables.traceTimes} WHERE TraceId IN ${ids}`;
  return `TraceId IN ${ids} AND Timestamp >= (SELECT toDateTime64(min(Start), 9) ${times})
    AND Timestamp < (SELECT toDateTime64(max(End) + 1, 9) ${times})`;
}

/** Ids in the form in which the exporter writes them. */
function idsIn(traceIds: readonly string[]): string[] {
  return traceIds.filter((id) => TRACE_ID.test(id)).map((id) => id.toLowerCase());
}

interface SummaryRow {
  readonly traceId: string;
  readonly name: string;
  readonly service: string;
  readonly start: number;
  readonly duration: number;
  readonly rank: number;
  readonly route: string;
  readonly outcome: string;
  readonly spans: number;
  readonly failed: number;
  readonly services: readonly string[];
}

/** Those of the traces that are stored, by their ids. */
export async function readSummaries(
  clickHouse: ClickHouse,
  traceIds: readonly string[],
  options: QueryOptions = {},
): Promise<Map<string, TraceSummaryAnswer>> {
  options.signal?.throwIfAborted();
  const ids = idsIn(traceIds);
  if (ids.length === 0) return new Map();
  const rows = await clickHouse.rows<SummaryRow>(
    (
      bind,
    ) => `SELECT traceId, root.1 AS name, root.2 AS service, root.3 AS start, root.4 AS duration, root.5 AS rank, root.6 AS route,
        root.7 AS outcome, spans, failed, services
      FROM (
        SELECT TraceId AS traceId, count() AS spans, countIf(${FAILED}) AS failed, groupUniqArray(${MAX_SERVICES})(toString(ServiceName)) AS services,
          argMax((toString(SpanName), toString(ServiceName), ${START}, ${DURATION}, ${RANK}, if(${IS_ENTRY} AND SpanKind = 'Server', ${ROUTE}, ''), ${OUTCOME}), (${RANK}, -${START})) AS root
        FROM ${clickHouse.tables.traces} WHERE ${ofTraces(bind, clickHouse, ids)} GROUP BY TraceId
      )`,
    options,
  );
  return new Map(rows.map((row) => [row.traceId, toSummary(row)]));
}

function toSummary(row: SummaryRow): TraceSummaryAnswer {
  return {
    traceId: row.traceId,
    name: row.name,
    service: row.service,
    route: known(row.route),
    status: known(row.outcome),
    start: row.start / 1_000,
    durationMs: row.duration / 1_000,
    spanCount: row.spans,
    errorCount: row.failed,
    services: row.services,
    pinned: false,
    state: row.rank === 0 ? 'partial' : undefined,
  };
}

interface SpanRow {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly kind: string;
  readonly start: number;
  readonly duration: number;
  readonly status: string;
  readonly statusMessage: string;
  readonly weight: number;
  readonly attributes: TextAttributes;
  readonly eventTimes: readonly number[];
  readonly eventNames: readonly string[];
  readonly eventAttributes: readonly TextAttributes[];
  readonly linkTraces: readonly string[];
  readonly linkSpans: readonly string[];
  readonly linkAttributes: readonly TextAttributes[];
}

const SPAN_COLUMNS = `TraceId AS traceId, SpanId AS spanId, ParentSpanId AS parentId, ServiceName AS service, ScopeName AS scope,
  SpanName AS name, SpanKind AS kind, ${START} AS start, ${DURATION} AS duration, StatusCode AS status, StatusMessage AS statusMessage, ${WEIGHT} AS weight,
  SpanAttributes AS attributes, arrayMap(time -> toUnixTimestamp64Micro(time), Events.Timestamp) AS eventTimes, Events.Name AS eventNames,
  Events.Attributes AS eventAttributes, Links.TraceId AS linkTraces, Links.SpanId AS linkSpans, Links.Attributes AS linkAttributes`;

/** What a span says of its trace, where it stands for it. */
const ROOT_COLUMNS = `${RANK} AS rank, if(${IS_ENTRY} AND SpanKind = 'Server', ${ROUTE}, '') AS route, ${OUTCOME} AS outcome`;

interface RootRow {
  readonly rank: number;
  readonly route: string;
  readonly outcome: string;
}

/** A span, and whether it is of a process that was asked about. */
export interface ReadSpan extends SpanAnswer {
  readonly isChosen?: boolean;
}

/** The spans of each trace that is stored, by its id, in the order of their start. @param limit of each trace */
export async function readSpans(
  clickHouse: ClickHouse,
  traceIds: readonly string[],
  options: QueryOptions = {},
  limit = MAX_SPANS,
  choice: ProcessChoice = {},
): Promise<Map<string, ReadSpan[]>> {
  options.signal?.throwIfAborted();
  const ids = idsIn(traceIds);
  const spans = new Map<string, ReadSpan[]>();
  const isOfAll = !choosesProcesses(choice);
  if (ids.length === 0) return spans;
  const rows = await clickHouse.rows<SpanRow & { readonly chosen: 0 | 1 }>((bind) => {
    const chosen = `toUInt8(${allOf(processConditions(bind, choice))}) AS chosen`;
    return selectSpans(bind, clickHouse, ids, chosen, limit);
  }, options);
  for (const row of rows) {
    const ofTrace = spans.get(row.traceId);
    const span = isOfAll ? toSpan(row) : { ...toSpan(row), isChosen: row.chosen === 1 };
    if (ofTrace === undefined) spans.set(row.traceId, [span]);
    else ofTrace.push(span);
  }
  return spans;
}

/** @param columns beside those of `SpanRow` @param limit of each trace */
function selectSpans(
  bind: Bindings,
  clickHouse: ClickHouse,
  traceIds: readonly string[],
  columns: string,
  limit: number,
): string {
  return `SELECT ${SPAN_COLUMNS}, ${columns} FROM ${clickHouse.tables.traces} WHERE ${ofTraces(bind, clickHouse, traceIds)}
    ORDER BY Timestamp, SpanId LIMIT ${bind.integer(limit)} BY TraceId`;
}

function toSpan(row: SpanRow): SpanAnswer {
  return {
    traceId: row.traceId,
    spanId: row.spanId,
    parentSpanId: known(row.parentId),
    service: row.service,
    scope: row.scope,
    name: row.name,
    kind: kindOf(row.kind),
    start: row.start / 1_000,
    durationMs: row.duration / 1_000,
    status: statusOf(row.status),
    statusMessage: known(row.statusMessage),
    weight: row.weight === 1 ? undefined : row.weight,
    attributes: readAttributes(row.attributes),
    events: row.eventTimes.map((time, index) => ({
      name: row.eventNames[index] ?? '',
      time: time / 1_000,
      attributes: readAttributes(row.eventAttributes[index] ?? {}),
    })),
    links: row.linkTraces.map((traceId, index) => ({
      traceId,
      spanId: row.linkSpans[index] ?? '',
      attributes: readAttributes(row.linkAttributes[index] ?? {}),
    })),
  };
}

/**
 * The summary of a trace all of whose spans were read. A second query for it would cost as much as the first: both read the attributes of
 * each granule that has a span of the trace.
 */
function sumUp(rows: readonly (SpanRow & RootRow)[]): TraceSummaryAnswer | undefined {
  const [first, ...others] = rows;
  if (first === undefined) return undefined;
  // The first one of the highest rank: rows are in the order of their start.
  const root = others.reduce((best, row) => (row.rank > best.rank ? row : best), first);
  return toSummary({
    ...root,
    spans: rows.length,
    failed: rows.filter(({ status }) => status === 'Error').length,
    services: [...new Set(rows.map(({ service }) => service))].slice(0, MAX_SERVICES),
  });
}

/** One trace with its spans and log lines; undefined when it is not stored. */
export async function readTrace(
  clickHouse: ClickHouse,
  traceId: string,
  options: QueryOptions = {},
): Promise<TraceAnswer | undefined> {
  options.signal?.throwIfAborted();
  const [id] = idsIn([traceId]);
  if (id === undefined) return undefined;
  const rows = await clickHouse.rows<SpanRow & RootRow>(
    (bind) => selectSpans(bind, clickHouse, [id], ROOT_COLUMNS, MAX_SPANS),
    options,
  );
  const summary =
    rows.length < MAX_SPANS ? sumUp(rows) : (await readSummaries(clickHouse, [id], options)).get(id);
  if (summary === undefined) return undefined;
  const spans = rows.map(toSpan);
  const last = Math.max(...spans.map(({ start, durationMs }) => start + durationMs), summary.start);
  const { items } = await findLogs(
    clickHouse,
    {
      traceId: id,
      from: (spans[0]?.start ?? summary.start) - LOGS_AROUND_MS,
      to: last + LOGS_AROUND_MS,
      limit: MAX_LOGS,
    },
    options,
  );
  return { summary, spans, logs: [...items].reverse() };
}

/** The attributes of the resources that took part in a trace, by the name of the service; the newest of each. */
export async function readResources(
  clickHouse: ClickHouse,
  traceId: string,
  options: QueryOptions = {},
): Promise<Readonly<Record<string, JsonAttributes>>> {
  options.signal?.throwIfAborted();
  const ids = idsIn([traceId]);
  if (ids.length === 0) return {};
  const rows = await clickHouse.rows<{ service: string; attributes: TextAttributes }>(
    (bind) => `SELECT ServiceName AS service, argMax(ResourceAttributes, Timestamp) AS attributes
      FROM ${clickHouse.tables.traces} WHERE ${ofTraces(bind, clickHouse, ids)} GROUP BY ServiceName ORDER BY service`,
    options,
  );
  return Object.fromEntries(rows.map(({ service, attributes }) => [service, readAttributes(attributes)]));
}
