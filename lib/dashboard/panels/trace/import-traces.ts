import { type ApiCall } from '../../api/route.js';
import { type TelemetrySink } from '../../dashboard-context.interface.js';
import { badRequest, DashboardError } from '../../http/dashboard-error.js';
import { readJsonBody } from '../../http/read-body.js';
import { parseJsonListInSteps } from '../../otlp/parse-json.js';
import { type ReadItems } from '../../otlp/read-items.js';
import { readLogRows } from '../../otlp/read-logs.js';
import { readSpanRows } from '../../otlp/read-spans.js';
import { addRows } from '../../otlp/receive-otlp.js';
import { RequestBudget } from '../../otlp/request-limits.js';
import { type Steps } from '../../steps.js';
import { type ImportAnswer } from './query.js';

type StoredSpan = Parameters<TelemetrySink['addSpan']>[0];
type StoredLog = Parameters<TelemetrySink['addLog']>[0];

const MAX_BODY = 32 * 1_024 * 1_024;

/**
 * Stores the traces of a file and their log lines. Traces that are stored already stay as they are; lines of other traces are
 * left out, so that a file that is imported again adds nothing.
 *
 * @throws DashboardError 400 when it has no spans or is no OTLP, 404 where nothing can be stored, 413 beyond the bounds
 */
export async function importTraces({ context, request }: ApiCall): Promise<ImportAnswer> {
  const { reader, sink, work } = context;
  if (sink === undefined)
    throw new DashboardError(404, 'The database behind this page is read only: nothing can be imported.');
  const body = await readJsonBody(request, MAX_BODY);
  const { spans, logs } = await work(readFile(body, new RequestBudget()));
  if (spans.length === 0) throw badRequest('There are no spans in it: send an object with resourceSpans.');
  const traceIds = [...new Set(spans.map(({ traceId }) => traceId))];
  // Without the signal: reading the body may have taken most of the time that a question has.
  const known = await reader.summaries(traceIds);
  const added = new Set(traceIds.filter((traceId) => !known.has(traceId)));
  const addedSpans = spans.filter(({ traceId }) => added.has(traceId));
  const addedLogs = logs.filter(({ traceId }) => traceId !== undefined && added.has(traceId));
  await addRows(sink, complete(addedSpans), (row) => {
    sink.addSpan(row);
  });
  await addRows(sink, complete(addedLogs), (row) => {
    sink.addLog(row);
  });
  await sink.flush();
  return { traceIds, spans: addedSpans.length, logs: addedLogs.length };
}

const complete = <Row>(rows: readonly Row[]): ReadItems<Row> => ({ rows, rejected: 0, reason: '' });

/** One object, or one for each line as the file exporter of the Collector writes them. */
function* readFile(
  body: Buffer,
  budget: RequestBudget,
): Steps<{ readonly spans: readonly StoredSpan[]; readonly logs: readonly StoredLog[] }> {
  const spans: StoredSpan[] = [];
  const logs: StoredLog[] = [];
  for (const value of yield* parseJsonListInSteps(body, budget)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badRequest('Send an object with resourceSpans, as in OTLP, or one on each line.');
    const request = value as Readonly<Record<string, unknown>>;
    spans.push(...takeRows('spans', yield* readSpanRows(request, budget)));
    logs.push(...takeRows('log records', yield* readLogRows(request, budget)));
    budget.checkRows(spans.length);
    budget.checkRows(logs.length);
    if (budget.isOverNow) yield* budget.pass();
  }
  return { spans, logs };
}

function takeRows<Row>(what: string, { rows, rejected, reason }: ReadItems<Row>): readonly Row[] {
  if (rejected > 0) throw badRequest(`${rejected} ${what} cannot be read: ${reason}.`);
  return rows;
}
