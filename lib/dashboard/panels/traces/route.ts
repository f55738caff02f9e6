import { type Database } from '../../sqlite/database/database.js';
import { findTraces } from '../../sqlite/queries/find-traces.js';
import { readSpans, readTrace, readTraceSummary } from '../../sqlite/queries/read-trace.js';
import { analyseTraceInSteps } from '../trace/analysis/analyse-trace.js';
import { compareTraces } from '../compare/query.js';
import { medianTimeByKind } from '../trace/analysis/time-kinds.js';
import { badRequest } from '../../http/dashboard-error.js';
import { type ApiCall } from '../../api/api-call.interface.js';
import { type ComparisonAnswer } from '../compare/query.js';
import { type Page, type SpanAnswer, type TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { type AnalysedTrace } from '../trace/query.js';
import { readFields, readPartialRange } from '../../api/read-filters.js';
import { readTraceId } from '../../api/query-parameters.js';

/** Traces whose times are what is usual for a route. */
const MEDIAN_TRACES = 30;
/** Of all of them together; longer ones are left out, for the page waits. */
const MEDIAN_SPANS = 3_000;

export function readTraces({ parts: { store }, query }: ApiCall): Promise<Page<TraceSummaryAnswer>> {
  const filter = {
    ...readPartialRange(query),
    service: query.text('service'),
    route: query.text('route'),
    method: query.text('method'),
    status: readStatus(query.text('status')),
    minMs: query.number('minMs', 0),
    maxMs: query.number('maxMs', 0),
    attributes: readFields(query),
    text: query.search('text'),
    before: query.text('before'),
    limit: query.integer('limit', 1, 1_000, 50),
  };
  return store.ask((database) => findTraces(database, filter));
}

export function readOneTrace({ parts: { store }, params }: ApiCall): Promise<AnalysedTrace | undefined> {
  const traceId = readTraceId(params[0] ?? '');
  return store.ask(function* (database) {
    const trace = yield* readTrace(database, traceId);
    if (trace === undefined) return undefined;
    const medians = yield* mediansOf(database, trace.summary);
    return { ...trace, analysis: yield* analyseTraceInSteps(trace.spans, medians) };
  });
}

export function compareTwoTraces({
  parts: { store },
  query,
}: ApiCall): Promise<ComparisonAnswer | undefined> {
  const [a, b] = [query.traceId('a'), query.traceId('b')];
  return store.ask(function* (database) {
    const summaries = [readTraceSummary(database, a), readTraceSummary(database, b)] as const;
    if (summaries[0] === undefined || summaries[1] === undefined) return undefined;
    const spans = [yield* readSpans(database, a), yield* readSpans(database, b)] as const;
    yield;
    return { a: summaries[0], b: summaries[1], rows: compareTraces(...spans) };
  });
}

function* mediansOf(database: Database, { service, route, traceId, name }: TraceSummaryAnswer) {
  if (route === undefined) return undefined;
  let spans = 0;
  const { items } = yield* findTraces(database, { service, route, limit: MEDIAN_TRACES });
  const others = items.filter(
    (other) =>
      other.traceId !== traceId &&
      // A route may be entered further down, in traces about something else.
      other.name === name &&
      (spans += other.spanCount) <= MEDIAN_SPANS,
  );
  const traces: (readonly SpanAnswer[])[] = [];
  for (const other of others) traces.push(yield* readSpans(database, other.traceId));
  yield;
  return medianTimeByKind(traces);
}

function readStatus(status: string | undefined): string | undefined {
  if (status === undefined || /^(error|ok|\dxx|[\w .:-]{1,100})$/.test(status)) return status;
  throw badRequest('status must be error, ok, a class such as 5xx, or how the root ended, such as 404.');
}
