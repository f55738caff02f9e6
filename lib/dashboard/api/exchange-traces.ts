import { readResourcesOfTrace, readSpans, readTraceSummary } from '../../store/queries/read-trace.js';
import { badRequest, DashboardError } from '../http/dashboard-error.js';
import { readJson } from '../http/read-body.js';
import { readSpanRows } from '../otlp/read-spans.js';
import { writeOtlpTrace } from '../otlp/write-trace.js';
import { type ApiCall } from './api-call.interface.js';
import { type ApiImport } from './api.interface.js';
import { readTraceId } from './query-parameters.js';

const MAX_BODY = 32 * 1_024 * 1_024;
/** More cannot be shown. */
const MAX_SPANS = 20_000;

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
export async function importTraces({ parts: { store }, request }: ApiCall): Promise<ApiImport> {
  const body = await readJson(request, MAX_BODY);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('Send an object with resourceSpans, as OTLP has it.');
  const { rows, rejected, reason } = readSpanRows(body as Readonly<Record<string, unknown>>);
  if (rejected > 0) throw badRequest(`${rejected} spans cannot be read: ${reason}.`);
  if (rows.length === 0) throw badRequest('There are no spans in it: send an object with resourceSpans.');
  if (rows.length > MAX_SPANS) throw new DashboardError(413, `There are more than ${MAX_SPANS} spans in it.`);
  const traceIds = [...new Set(rows.map(({ traceId }) => traceId))];
  const known = new Set(
    traceIds.filter((id) => store.read((database) => readTraceSummary(database, id)) !== undefined),
  );
  const added = rows.filter(({ traceId }) => !known.has(traceId));
  for (const row of added) store.addSpan(row);
  await store.flush();
  return { traceIds, spans: added.length };
}
