import { ATTR_CODE_FUNCTION_NAME } from '../../../config/semantic-conventions.constants.js';
import {
  type SpanAnswer,
  type TraceAnswer,
  type TraceSummaryAnswer,
} from '../../reader/answers/traces.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { bytesOf, findTraceNumber, hexOf, traceKeyOf } from '../encoding/ids.js';
import { SPAN_KIND_NAMES } from '../rows.interface.js';
import { findLogs } from './find-logs.js';
import { startSummaries, SUMMARY_COLUMNS, SUMMARY_TABLES, type SummaryRow } from './find-traces.js';
import { findSources, readAttributes, readList, type SpanColumns } from './query-parts.js';

/** More spans than that cannot be shown; those that were written first are. */
const MAX_SPANS = 20_000;
const MAX_LOGS = 10_000;

const STATUSES = ['unset', 'ok', 'error'] as const;

/** Spans between two looks at the clock. */
const SLICE = 100;

const SPANS = `SELECT spans.id, span_id AS spanId, parent_id AS parentId, services.name AS service, scopes.name AS scope,
    spans.name, kind, spans.start, spans.duration, status, status_message AS statusMessage, spans.attributes, events, links, weight
  FROM spans INDEXED BY spans_by_trace JOIN resources ON resources.id = spans.resource
  JOIN services ON services.id = resources.service JOIN scopes ON scopes.id = spans.scope
  WHERE spans.trace = ? AND spans.id > ? ORDER BY spans.id LIMIT ?`;

interface SpanRow extends SpanColumns {
  readonly id: number;
  readonly spanId: Uint8Array;
  readonly parentId: Uint8Array | null;
  readonly service: string;
  readonly scope: string;
  readonly links: string | null;
  readonly weight: number | null;
}

/** One trace with its spans and log lines; undefined when it is not in the store. */
export function* readTrace(database: Database, traceId: string): Steps<TraceAnswer | undefined> {
  const summary = readTraceSummary(database, traceId);
  if (summary === undefined) return undefined;
  const spans = yield* withSources(database, yield* readSpans(database, traceId));
  const { items } = yield* findLogs(database, { traceId, limit: MAX_LOGS });
  return { summary, spans, logs: [...items].reverse() };
}

/** Spans of decorated methods are named after them; all others about a method name it in `code.function.name`. */
function* withSources(database: Database, spans: readonly SpanAnswer[]): Steps<SpanAnswer[]> {
  const sources = findSources(database);
  const turn = new TimeSlice();
  const located: SpanAnswer[] = [];
  for (const span of spans) {
    const { [ATTR_CODE_FUNCTION_NAME]: name = span.name } = span.attributes;
    const source = typeof name === 'string' && name.includes('.') ? sources(span.service, name) : undefined;
    located.push(source === undefined ? span : { ...span, source });
    if (turn.isOver()) yield* turn.pass();
  }
  return located;
}

const SUMMARY = `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES} WHERE traces.key = ? AND traces.trace_id = ?`;

/** One trace without its spans; undefined when it is not in the store. */
export function readTraceSummary(database: Database, traceId: string): TraceSummaryAnswer | undefined {
  if (!/^[0-9a-f]{32}$/i.test(traceId)) return undefined;
  const row = database.get<SummaryRow>(SUMMARY, traceKeyOf(traceId), bytesOf(traceId));
  return row && startSummaries(database)(row);
}

/** The spans of a trace, in the order of their start; none of one that is not in the store. */
export function* readSpans(database: Database, traceId: string): Steps<SpanAnswer[]> {
  const trace = findTraceNumber(database, traceId);
  const spans: SpanAnswer[] = [];
  if (trace === undefined) return spans;
  const turn = new TimeSlice();
  for (let last = 0; spans.length < MAX_SPANS;) {
    const rows = database.all<SpanRow>(SPANS, trace, last, SLICE);
    for (const row of rows) spans.push(toSpan(row, traceId.toLowerCase()));
    last = rows.at(-1)?.id ?? last;
    if (rows.length < SLICE) break;
    if (turn.isOverNow()) yield* turn.pass();
  }
  return spans.sort((a, b) => a.start - b.start);
}

const RESOURCES = `SELECT DISTINCT services.name AS service, resources.attributes FROM traces
  CROSS JOIN spans ON spans.trace = traces.id JOIN resources ON resources.id = spans.resource
  JOIN services ON services.id = resources.service WHERE traces.key = ? AND traces.trace_id = ? ORDER BY resources.id`;

/** The attributes of the resources that took part in a trace, by the name of the service; the newest of each. */
export function readResourcesOfTrace(
  database: Database,
  traceId: string,
): Readonly<Record<string, ReturnType<typeof readAttributes>>> {
  const values = [traceKeyOf(traceId), bytesOf(traceId)];
  const rows = database.all<{ service: string; attributes: string }>(RESOURCES, ...values);
  return Object.fromEntries(rows.map(({ service, attributes }) => [service, readAttributes(attributes)]));
}

function toSpan(row: SpanRow, traceId: string): SpanAnswer {
  return {
    traceId,
    spanId: hexOf(row.spanId),
    parentSpanId: row.parentId === null ? undefined : hexOf(row.parentId),
    service: row.service,
    scope: row.scope,
    name: row.name,
    kind: SPAN_KIND_NAMES[row.kind] ?? 'internal',
    start: row.start / 1_000,
    durationMs: row.duration / 1_000,
    status: STATUSES[row.status] ?? 'unset',
    statusMessage: row.statusMessage ?? undefined,
    attributes: readAttributes(row.attributes),
    events: readList(row.events),
    links: readList(row.links),
    weight: row.weight ?? undefined,
  };
}
