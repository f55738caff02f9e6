import { ATTR_HTTP_ROUTE } from '../../../config/semantic-conventions.constants.js';
import { type Question, readTraceId } from '../../api/question.js';
import { badRequest } from '../../http/dashboard-error.js';
import { type SpanAnswer } from '../../reader/answers/traces.interface.js';
import { type CurlAnswer } from './curl-api.interface.js';
import { isHttpMethod, readRequest, type RequestParts, writeCurl } from './write-curl.js';

/** The newest traces in which a request of a service is looked for. */
const MAX_TRACES = 5;

interface Found {
  readonly parts: RequestParts;
  readonly traceId: string;
}

/** @param ownOrigin that of the page, where no address of the service is stored */
export async function askCurl(question: Question, ownOrigin: string): Promise<CurlAnswer | undefined> {
  const { query } = question;
  const traceId = query.text('traceId');
  if (traceId !== undefined)
    return describe(await findInTraces(question, ownOrigin, [readTraceId(traceId)], () => true));
  const [service, method, route] = [query.text('service'), query.text('method'), query.text('route')];
  if (service === undefined || method === undefined || route === undefined)
    throw badRequest('Give traceId, or service, method and route.');
  if (!isHttpMethod(method)) return undefined;
  const { reader, signal } = question;
  const newest = await reader.traces({ service, method, route, limit: MAX_TRACES }, { signal });
  const sample = await findInTraces(
    question,
    ownOrigin,
    newest.items.map((trace) => trace.traceId),
    (span) => span.service === service && span.attributes[ATTR_HTTP_ROUTE] === route,
  );
  if (sample?.parts.method === method) return describe(sample);
  const any = await reader.traces({ service, limit: MAX_TRACES }, { signal });
  const other = await findInTraces(
    question,
    ownOrigin,
    any.items.map((trace) => trace.traceId),
    (span) => span.service === service,
  );
  const parts = { method, origin: other?.parts.origin ?? ownOrigin, path: route, headers: [] };
  return { command: writeCurl(parts), traceId: undefined };
}

function describe(found: Found | undefined): CurlAnswer | undefined {
  return found && { command: writeCurl(found.parts), traceId: found.traceId };
}

/** The first request of HTTP that fits, in the order of the traces. */
async function findInTraces(
  { reader, signal }: Question,
  ownOrigin: string,
  traceIds: readonly string[],
  fits: (span: SpanAnswer) => boolean,
): Promise<Found | undefined> {
  for (const traceId of traceIds) {
    const spans = (await reader.spans([traceId], { signal })).get(traceId) ?? [];
    for (const span of spans) {
      const parts = fits(span) ? readRequest(span, ownOrigin) : undefined;
      if (parts !== undefined) return { parts, traceId };
    }
  }
  return undefined;
}
