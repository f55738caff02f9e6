import { type Question, readTraceId } from '../../api/question.js';
import { type ApiCall, defineRoutes } from '../../api/route.js';
import { badRequest, DashboardError } from '../../http/dashboard-error.js';
import { readJsonBody } from '../../http/read-body.js';
import { parseJsonInSteps } from '../../otlp/parse-json.js';
import { readSpanRows } from '../../otlp/read-spans.js';
import { addRows } from '../../otlp/receive-otlp.js';
import { RequestBudget } from '../../otlp/request-limits.js';
import { writeOtlpTrace } from '../../otlp/write-trace.js';
import { askTrace, type ImportAnswer, type TraceApi } from './query.js';

const MAX_BODY = 32 * 1_024 * 1_024;

export const traceRoutes = defineRoutes<TraceApi>({
  'GET traces/:traceId': {
    doc: '`AnalysedTrace`: spans, log lines, and why it took as long as it did. `source` of a span: `file` and `line` of its method.',
    handle: askTrace,
  },
  'GET traces/:traceId/otlp': {
    doc: "The trace as OTLP's JSON (`ExportTraceServiceRequest`).",
    handle: exportTrace,
  },
  'POST traces/import': {
    doc: 'Stores such JSON: `ImportAnswer`. Traces that are stored already stay as they are; at most 20,000 spans, 32 MiB.',
    handle: importTraces,
  },
});

async function exportTrace({ reader, work, params, signal }: Question): Promise<object | undefined> {
  const traceId = readTraceId(params.traceId ?? '');
  const spans = (await reader.spans([traceId], { signal })).get(traceId);
  if (spans === undefined) return undefined;
  return work(writeOtlpTrace(spans, await reader.resources(traceId, { signal })));
}

/** Traces that are stored already stay as they are. */
async function importTraces({ context, request }: ApiCall): Promise<ImportAnswer> {
  const { reader, sink, work } = context;
  if (sink === undefined)
    throw new DashboardError(404, 'The database behind this page is read only: nothing can be imported.');
  const text = await readJsonBody(request, MAX_BODY);
  const budget = new RequestBudget();
  const body = await work(parseJsonInSteps(text, budget));
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('Send an object with resourceSpans, as in OTLP.');
  const read = await work(readSpanRows(body as Readonly<Record<string, unknown>>, budget));
  const { rows, rejected, reason } = read;
  if (rejected > 0) throw badRequest(`${rejected} spans cannot be read: ${reason}.`);
  if (rows.length === 0) throw badRequest('There are no spans in it: send an object with resourceSpans.');
  const traceIds = [...new Set(rows.map(({ traceId }) => traceId))];
  // Without the signal: reading the body may have taken most of the time that a question has.
  const known = await reader.summaries(traceIds);
  const added = rows.filter(({ traceId }) => !known.has(traceId));
  await addRows(sink, { ...read, rows: added }, (row) => {
    sink.addSpan(row);
  });
  await sink.flush();
  return { traceIds, spans: added.length };
}
