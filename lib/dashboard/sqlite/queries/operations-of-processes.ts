import { type OperationListAnswer } from '../../reader/answers/operations.interface.js';
import { OperationSums, rankOperations, type SummedSpan } from '../../reader/sum-operations.js';
import { type OperationFilter } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { SPAN_KIND_NAMES, SPAN_STATUS } from '../rows.interface.js';
import { type NewestTrace, takeNewestTraces } from './newest-traces.js';
import { readAttributes } from './query-parts.js';

/** Spans of a trace that are read without a look at the clock. */
const SLICE = 200;

// Attributes take the longest, and name calls and messages only.
const SPANS = `SELECT spans.id, hex(span_id) AS spanId, hex(parent_id) AS parentId, resource, services.name AS service, spans.name, kind, start,
    duration, status, weight, CASE WHEN kind >= 2 THEN spans.attributes END AS attributes
  FROM spans INDEXED BY spans_by_trace JOIN resources ON resources.id = resource JOIN services ON services.id = resources.service
  WHERE trace = ? AND spans.id > ? ORDER BY spans.id LIMIT ${SLICE}`;

interface SpanRow {
  readonly id: number;
  readonly spanId: string;
  /** Empty without a parent. */
  readonly parentId: string;
  readonly resource: number;
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly start: number;
  readonly duration: number;
  readonly status: number;
  readonly weight: number | null;
  readonly attributes: string | null;
}

/**
 * Operations of chosen processes: no sums are kept by process, so the spans of the newest traces of the range are added up.
 *
 * @param service number of the service; undefined: of all
 * @param processes see `chooseProcesses()`
 */
export function* findOperationsOf(
  database: Database,
  filter: OperationFilter,
  service: number | undefined,
  processes: string,
): Steps<OperationListAnswer> {
  const chosen = new Set(JSON.parse(processes) as number[]);
  const sums = new OperationSums(filter.service);
  const turn = new TimeSlice();
  function* take({ id }: NewestTrace, left: number): Steps<number> {
    const spans: SummedSpan[] = [];
    for (let last = 0; spans.length < left;) {
      const rows = database.all<SpanRow>(SPANS, id, last);
      for (const row of rows) spans.push(toSummed(row, chosen));
      last = rows.at(-1)?.id ?? last;
      if (rows.length < SLICE) break;
      if (turn.isOverNow()) yield* turn.pass();
    }
    yield* sums.addTrace(spans, turn);
    return spans.length;
  }
  const { from, to } = filter;
  const covered = yield* takeNewestTraces(database, { from, to, service, processes }, turn, take);
  yield* turn.pass();
  return { ...rankOperations(sums.answers(), filter), ...covered };
}

function toSummed(row: SpanRow, chosen: ReadonlySet<number>): SummedSpan {
  return {
    spanId: row.spanId,
    parentSpanId: row.parentId === '' ? undefined : row.parentId,
    service: row.service,
    name: row.name,
    kind: SPAN_KIND_NAMES[row.kind] ?? 'internal',
    start: row.start / 1_000,
    durationMs: row.duration / 1_000,
    failed: row.status === SPAN_STATUS.error,
    weight: row.weight ?? 1,
    attributes: readAttributes(row.attributes),
    isChosen: chosen.has(row.resource),
  };
}
