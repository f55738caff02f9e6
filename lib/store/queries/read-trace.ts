import { type Database } from '../database/database.js';
import { bytesOf, hexOf, traceKeyOf } from '../encoding/ids.js';
import {
  type SpanAnswer,
  type SpanKindName,
  type TraceAnswer,
  type TraceSummaryAnswer,
} from './answers.interface.js';
import { findLogs } from './find-logs.js';
import { readAttributes, readList } from './read-json.js';
import { startSummaries, SUMMARY_COLUMNS, SUMMARY_TABLES, type SummaryRow } from './trace-summary.js';

/** More spans than that cannot be shown; the first ones are. */
const MAX_SPANS = 20_000;
const MAX_LOGS = 10_000;

const KINDS: readonly SpanKindName[] = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'] as const;

interface SpanRow {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentId: Uint8Array | null;
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly kind: number;
  readonly start: number;
  readonly duration: number;
  readonly status: number;
  readonly statusMessage: string | null;
  readonly attributes: string;
  readonly events: string | null;
  readonly links: string | null;
}

/** One trace with its spans and log lines; undefined when it is not in the store. */
export function readTrace(database: Database, traceId: string): TraceAnswer | undefined {
  const summary = readTraceSummary(database, traceId);
  if (summary === undefined) return undefined;
  return {
    summary,
    spans: readSpans(database, [traceId]),
    logs: [...findLogs(database, { traceId, limit: MAX_LOGS }).items].reverse(),
  };
}

/** One trace without its spans; undefined when it is not in the store. */
export function readTraceSummary(database: Database, traceId: string): TraceSummaryAnswer | undefined {
  if (!/^[0-9a-f]{32}$/i.test(traceId)) return undefined;
  const row = database.get<SummaryRow>(
    `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES} WHERE traces.key = ? AND traces.trace_id = ?`,
    traceKeyOf(traceId),
    bytesOf(traceId),
  );
  return row && startSummaries(database)(row);
}

/** The spans of these traces, in the order of their start; of traces that are not in the store none. */
export function readSpans(database: Database, traceIds: readonly string[]): SpanAnswer[] {
  const rows = traceIds.flatMap((traceId) =>
    database.all<SpanRow>(
      `SELECT traces.trace_id AS traceId, span_id AS spanId, parent_id AS parentId, services.name AS service,
         scopes.name AS scope, spans.name, kind, spans.start, spans.duration, status, status_message AS statusMessage,
         spans.attributes, events, links
       FROM traces CROSS JOIN spans ON spans.trace = traces.id
       JOIN resources ON resources.id = spans.resource JOIN services ON services.id = resources.service
       JOIN scopes ON scopes.id = spans.scope
       WHERE traces.key = ? AND traces.trace_id = ? ORDER BY spans.start, spans.id LIMIT ?`,
      traceKeyOf(traceId),
      bytesOf(traceId),
      MAX_SPANS,
    ),
  );
  return rows.map(toSpan);
}

/** The attributes of the resources that took part in a trace, by the name of the service; the newest of each. */
export function readResourcesOfTrace(
  database: Database,
  traceId: string,
): Readonly<Record<string, ReturnType<typeof readAttributes>>> {
  const rows = database.all<{ service: string; attributes: string }>(
    `SELECT DISTINCT services.name AS service, resources.attributes FROM traces CROSS JOIN spans ON spans.trace = traces.id
     JOIN resources ON resources.id = spans.resource JOIN services ON services.id = resources.service
     WHERE traces.key = ? AND traces.trace_id = ? ORDER BY resources.id`,
    traceKeyOf(traceId),
    bytesOf(traceId),
  );
  return Object.fromEntries(rows.map(({ service, attributes }) => [service, readAttributes(attributes)]));
}

function toSpan(row: SpanRow): SpanAnswer {
  return {
    traceId: hexOf(row.traceId),
    spanId: hexOf(row.spanId),
    parentSpanId: row.parentId === null ? undefined : hexOf(row.parentId),
    service: row.service,
    scope: row.scope,
    name: row.name,
    kind: KINDS[row.kind] ?? 'internal',
    start: row.start / 1_000,
    durationMs: row.duration / 1_000,
    status: STATUSES[row.status] ?? 'unset',
    statusMessage: row.statusMessage ?? undefined,
    attributes: readAttributes(row.attributes),
    events: readList(row.events),
    links: readList(row.links),
  };
}
