import {
  type ServiceMapAnswer,
  type SpanKindName,
  type SpanLinkAnswer,
} from '../../reader/answers.interface.js';
import { type MappedSpan, ServiceMapSums } from '../../reader/sum-service-map.js';
import { type ServiceMapFilter } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { SPAN_STATUS } from '../rows.interface.js';
import { chooseService, Conditions, readAttributes, readList } from './query-parts.js';

/** Of the newest traces of the range, which are added up when the question is asked. */
const MAX_SPANS = 20_000;
/** Traces, and spans of one, that are read without a look at the clock. */
const SLICE = 20;
const SPAN_SLICE = 200;

const KINDS: readonly SpanKindName[] = ['internal', 'server', 'client', 'producer', 'consumer'];

// Ids as text: rows with blobs take SQLite's binding longer. Attributes take the longest, and are those of calls and messages only.
const SPANS = `SELECT id, hex(span_id) AS spanId, hex(parent_id) AS parentId, resource, kind, duration, status,
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
  readonly attributes: string | null;
  readonly links: string | null;
}

interface TraceRow {
  readonly id: number;
  /** 1: the service took part. */
  readonly matches: number;
  readonly traceId: string;
  readonly start: number;
  readonly spanCount: number;
}

/** What calls what in the newest traces of the range. */
export function* findServiceMap(database: Database, filter: ServiceMapFilter): Steps<ServiceMapAnswer> {
  const { from, service } = filter;
  const sums = new ServiceMapSums();
  const covered = { traces: 0, spans: 0, since: from, complete: true };
  const turn = new TimeSlice();
  const chosen = chooseService(database, service);
  if (chosen !== undefined) {
    const serviceOf = startServices(database);
    for (let before: TraceRow | undefined; ;) {
      const rows = readTraces(database, filter, chosen.id, before);
      for (const row of rows) {
        if (row.matches === 0) continue;
        const left = MAX_SPANS - covered.spans;
        if (row.spanCount > left) covered.complete = false;
        // Half a trace has calls without the other side: only one that is larger than all that may be read is cut.
        if (!covered.complete && covered.traces > 0) break;
        const spans = yield* readSpans(database, row.id, left, serviceOf, turn);
        yield* sums.addTrace(row.traceId, spans, turn);
        covered.traces += 1;
        covered.spans += spans.length;
        covered.since = row.start / 1_000;
        if (turn.isOverNow()) yield* turn.pass();
      }
      before = rows.at(-1);
      if (rows.length < SLICE || !covered.complete) break;
      if (turn.isOverNow()) yield* turn.pass();
      // Of a service that took part in few traces, the others are looked through only for so long.
      if (chosen.id !== undefined && turn.isLong) {
        covered.complete = false;
        covered.since = (before?.start ?? 0) / 1_000;
        break;
      }
    }
    if (covered.complete) covered.since = from;
  }
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

/** The next of the traces, newest first; some in which the service took no part are among them, so that there is time to stop. */
function readTraces(
  database: Database,
  { from, to }: ServiceMapFilter,
  service: number | undefined,
  before: TraceRow | undefined,
): readonly TraceRow[] {
  const conditions = new Conditions();
  conditions.add('start >= ?', from * 1_000);
  conditions.add('start < ?', to * 1_000);
  if (before !== undefined) conditions.add('(start, id) < (?, ?)', before.start, before.id);
  const own = new Conditions();
  if (service !== undefined) own.add('instr(services, ?) > 0', `,${service},`);
  return database.all<TraceRow>(
    `SELECT id, (${own.sql}) AS matches, lower(hex(trace_id)) AS traceId, start, span_count AS spanCount
      FROM traces INDEXED BY traces_by_start WHERE ${conditions.sql} AND (${own.sql} OR id & 63 = 0)
      ORDER BY start DESC, id DESC LIMIT ${SLICE}`,
    ...own.values,
    ...conditions.values,
    ...own.values,
  );
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
    kind: KINDS[row.kind] ?? 'internal',
    durationMs: row.duration / 1_000,
    failed: row.status === SPAN_STATUS.error,
    attributes: readAttributes(row.attributes),
    links: readList<SpanLinkAnswer>(row.links),
  };
}
