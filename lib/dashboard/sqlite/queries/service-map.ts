import { type ServiceMapAnswer } from '../../reader/answers/service-map.interface.js';
import { type SpanLinkAnswer } from '../../reader/answers/traces.interface.js';
import { type MappedSpan, ServiceMapSums } from '../../reader/sum-service-map.js';
import { type ServiceMapFilter } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { SPAN_KIND_NAMES, SPAN_STATUS } from '../rows.interface.js';
import { chooseProcesses } from './chosen-processes.js';
import { type NewestTrace, takeNewestTraces } from './newest-traces.js';
import { chooseService, readAttributes, readList } from './query-parts.js';

/** Spans of a trace that are read without a look at the clock. */
const SPAN_SLICE = 200;

// Ids as text: rows with blobs take SQLite's binding longer. Attributes take the longest, and are those of calls and messages only.
const SPANS = `SELECT id, hex(span_id) AS spanId, hex(parent_id) AS parentId, resource, kind, duration, status, weight,
    CASE WHEN kind >= 2 THEN attributes END AS attributes, CASE WHEN kind = 4 THEN links END AS links
  FROM spans INDEXED BY spans_by_trace WHERE trace = ? AND id > ? ORDER BY id LIMIT ?`;

const RESOURCES = `SELECT resources.id, services.name FROM resources JOIN services ON services.id = resources.service`;

interface SpanRow {
  readonly id: number;
  /** Upper case, as `parentId`. */
  readonly spanId: string;
  /** Empty without a parent. */
  readonly parentId: string;
  readonly resource: number;
  readonly kind: number;
  readonly duration: number;
  readonly status: number;
  readonly weight: number | null;
  readonly attributes: string | null;
  readonly links: string | null;
}

/** What calls what in the newest traces of the range. */
export function* findServiceMap(database: Database, filter: ServiceMapFilter): Steps<ServiceMapAnswer> {
  const { from, to, service } = filter;
  const sums = new ServiceMapSums();
  const turn = new TimeSlice();
  const chosen = chooseService(database, service);
  if (chosen === undefined)
    return yield* sums.answer(filter, { traces: 0, spans: 0, since: from, complete: true }, turn);
  const serviceOf = startServices(database);
  const processes = chooseProcesses(database, filter, chosen.id);
  function* take({ id, traceId }: NewestTrace, left: number): Steps<number> {
    const spans = yield* readSpans(database, id, left, serviceOf, turn);
    yield* sums.addTrace(traceId, spans, turn);
    return spans.length;
  }
  const covered = yield* takeNewestTraces(database, { from, to, service: chosen.id, processes }, turn, take);
  return yield* sums.answer(filter, covered, turn);
}

/** The name of the service of a resource; those that come while the question is answered are read as they come. */
function startServices(database: Database): (resource: number) => string {
  let names = new Map<number, string>();
  const read = (): void => {
    const rows = database.all<{ id: number; name: string }>(RESOURCES);
    names = new Map(rows.map(({ id, name }) => [id, name]));
  };
  return (resource) => {
    if (!names.has(resource)) read();
    return names.get(resource) ?? '';
  };
}

function* readSpans(
  database: Database,
  trace: number,
  limit: number,
  serviceOf: (resource: number) => string,
  turn: TimeSlice,
): Steps<MappedSpan[]> {
  const spans: MappedSpan[] = [];
  for (let last = 0; spans.length < limit;) {
    const rows = database.all<SpanRow>(SPANS, trace, last, Math.min(SPAN_SLICE, limit - spans.length));
    for (const row of rows) spans.push(toMapped(row, serviceOf(row.resource)));
    last = rows.at(-1)?.id ?? last;
    if (rows.length < SPAN_SLICE) break;
    if (turn.isOverNow()) yield* turn.pass();
  }
  return spans;
}

function toMapped(row: SpanRow, service: string): MappedSpan {
  return {
    spanId: row.spanId.toLowerCase(),
    parentSpanId: row.parentId === '' ? undefined : row.parentId.toLowerCase(),
    service,
    kind: SPAN_KIND_NAMES[row.kind] ?? 'internal',
    durationMs: row.duration / 1_000,
    failed: row.status === SPAN_STATUS.error,
    weight: row.weight ?? 1,
    attributes: readAttributes(row.attributes),
    links: readList<SpanLinkAnswer>(row.links),
  };
}
