import { type Database } from '../../sqlite/database/database.js';
import { findTraceNumber } from '../../sqlite/database/find-trace-number.js';
import { readResourcesOfTrace, readSpans, readTraceSummary } from '../../sqlite/queries/read-trace.js';
import { type Steps, Turn } from '../../steps.js';
import { badRequest } from '../../http/dashboard-error.js';
import { readJsonBody } from '../../http/read-body.js';
import { addRows } from '../../otlp/add-rows.js';
import { parseJsonInSteps } from '../../otlp/parse-json.js';
import { readSpanRows } from '../../otlp/read-spans.js';
import { RequestBudget } from '../../otlp/request-budget.js';
import { writeOtlpTrace } from '../../otlp/write-trace.js';
import { type ApiCall } from '../../api/api-call.interface.js';
import { type ImportAnswer } from '../traces/query.js';
import { readTraceId } from '../../api/query-parameters.js';

const MAX_BODY = 32 * 1_024 * 1_024;

/** A trace as OTLP's JSON. */
export function exportTrace({ parts: { store }, params }: ApiCall): Promise<object | undefined> {
  const traceId = readTraceId(params[0] ?? '');
  return store.ask(function* (database) {
    if (readTraceSummary(database, traceId) === undefined) return undefined;
    const spans = yield* readSpans(database, traceId);
    const resources = readResourcesOfTrace(database, traceId);
    yield;
    return yield* writeOtlpTrace(spans, resources);
  });
}

/** Takes traces as OTLP's JSON into the store; those that are there already are left as they are. */
export async function importTraces({ parts: { store }, request }: ApiCall): Promise<ImportAnswer> {
  const text = await readJsonBody(request, MAX_BODY);
  const budget = new RequestBudget();
  const body = await store.work(parseJsonInSteps(text, budget));
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('Send an object with resourceSpans, as OTLP has it.');
  const read = await store.work(readSpanRows(body as Readonly<Record<string, unknown>>, budget));
  const { rows, rejected, reason } = read;
  if (rejected > 0) throw badRequest(`${rejected} spans cannot be read: ${reason}.`);
  if (rows.length === 0) throw badRequest('There are no spans in it: send an object with resourceSpans.');
  const traceIds = [...new Set(rows.map(({ traceId }) => traceId))];
  const known = await store.ask((database) => knownOf(database, traceIds));
  const added = rows.filter(({ traceId }) => !known.has(traceId));
  await addRows(store, { ...read, rows: added }, (row) => {
    store.addSpan(row);
  });
  await store.flush();
  return { traceIds, spans: added.length };
}

/** Those of the traces that are in the store. */
function* knownOf(database: Database, traceIds: readonly string[]): Steps<ReadonlySet<string>> {
  const known = new Set<string>();
  const turn = new Turn();
  for (const traceId of traceIds) {
    if (findTraceNumber(database, traceId) !== undefined) known.add(traceId);
    if (turn.isOver()) yield* turn.pass();
  }
  return known;
}
