/** Reads a trace from OTLP JSON: from the clipboard, a file, another tool. What is not there is left out, what is odd is refused. */
import type { ApiSpan, ApiTrace, ApiValue } from '../../api/api.interface.js';
import { analyseTrace } from '../../analysis/analyse-trace.js';
import { SPAN_KINDS } from './otlp-export.js';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

function readValue(value: unknown): ApiValue {
  if (!isObject(value)) return null;
  if ('stringValue' in value) return text(value['stringValue']);
  if ('boolValue' in value) return value['boolValue'] === true;
  if ('intValue' in value) return Number(text(value['intValue']));
  if ('doubleValue' in value) return Number(text(value['doubleValue']));
  if ('bytesValue' in value) return text(value['bytesValue']);
  if (isObject(value['arrayValue'])) return objects(value['arrayValue']['values']).map(readValue);
  if (isObject(value['kvlistValue'])) return readAttributes(value['kvlistValue']['values']);
  return null;
}

const readAttributes = (list: unknown): Readonly<Record<string, ApiValue>> =>
  Object.fromEntries(objects(list).map(({ key, value }) => [text(key), readValue(value)]));

function readMs(value: unknown): number {
  const digits = text(value);
  if (!/^\d+$/.test(digits)) return 0;
  const nanos = BigInt(digits);
  return Number(nanos / 1_000_000n) + Number(nanos % 1_000_000n) / 1_000_000;
}

function readId(value: unknown): string {
  const id = text(value).toLowerCase();
  // Some tools write ids in base64, as protobuf's own JSON does.
  if (/^[0-9a-f]{16}([0-9a-f]{16})?$/.test(id) || id === '') return id;
  try {
    return [...atob(text(value))].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  } catch {
    throw new Error(`"${text(value)}" is not an id of a trace or span`);
  }
}

function readKind(kind: unknown): ApiSpan['kind'] {
  if (typeof kind === 'number') return SPAN_KINDS[kind] ?? 'internal';
  const word = text(kind).replace('SPAN_KIND_', '').toLowerCase();
  return SPAN_KINDS.find((name) => name === word) ?? 'internal';
}

function readStatus(status: unknown): Pick<ApiSpan, 'status' | 'statusMessage'> {
  if (!isObject(status)) return { status: 'unset', statusMessage: undefined };
  const { code } = status;
  const failed = code === 2 || code === 'STATUS_CODE_ERROR';
  const ok = code === 1 || code === 'STATUS_CODE_OK';
  return {
    status: failed ? 'error' : ok ? 'ok' : 'unset',
    statusMessage: text(status['message']) || undefined,
  };
}

function readSpan(span: Json, service: string, scope: string): ApiSpan {
  const start = readMs(span['startTimeUnixNano']);
  return {
    traceId: readId(span['traceId']),
    spanId: readId(span['spanId']),
    parentSpanId: readId(span['parentSpanId']) || undefined,
    service,
    scope,
    name: text(span['name']),
    kind: readKind(span['kind']),
    start,
    durationMs: Math.max(readMs(span['endTimeUnixNano']) - start, 0),
    ...readStatus(span['status']),
    attributes: readAttributes(span['attributes']),
    events: objects(span['events']).map((event) => ({
      name: text(event['name']),
      time: readMs(event['timeUnixNano']),
      attributes: readAttributes(event['attributes']),
    })),
    links: objects(span['links']).map((link) => ({
      traceId: readId(link['traceId']),
      spanId: readId(link['spanId']),
      attributes: readAttributes(link['attributes']),
    })),
  };
}

function readSpans(root: Json): readonly ApiSpan[] {
  return objects(root['resourceSpans']).flatMap((resourceSpans) => {
    const resource = isObject(resourceSpans['resource']) ? resourceSpans['resource'] : {};
    const service = readAttributes(resource['attributes'])['service.name'];
    return objects(resourceSpans['scopeSpans']).flatMap(({ scope, spans }) =>
      objects(spans).map((span) =>
        readSpan(
          span,
          typeof service === 'string' ? service : 'unknown_service',
          isObject(scope) ? text(scope['name']) : '',
        ),
      ),
    );
  });
}

/** Returns the first trace in the JSON; throws with the reason when there is none. */
export function importOtlp(json: string): ApiTrace {
  const root: unknown = JSON.parse(json);
  const all = isObject(root) ? readSpans(root) : [];
  const first = all[0];
  if (!first)
    throw new Error('There are no spans in it: `resourceSpans[].scopeSpans[].spans[]` is looked for.');
  const spans = all.filter(({ traceId }) => traceId === first.traceId);
  const known = new Set(spans.map(({ spanId }) => spanId));
  const top =
    spans.find(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId)) ?? first;
  const start = spans.reduce((least, span) => Math.min(least, span.start), first.start);
  const end = spans.reduce((most, span) => Math.max(most, span.start + span.durationMs), start);
  const route = top.attributes['http.route'];
  return {
    summary: {
      traceId: first.traceId,
      name: top.name,
      service: top.service,
      route: typeof route === 'string' ? route : undefined,
      status: undefined,
      start,
      durationMs: end - start,
      spanCount: spans.length,
      errorCount: spans.filter(({ status }) => status === 'error').length,
      services: [...new Set(spans.map(({ service }) => service))],
      pinned: false,
    },
    spans,
    logs: [],
    analysis: analyseTrace(spans),
  };
}

const imported = new Map<string, ApiTrace>();

/** Keeps an imported trace until the page is loaded again. */
export function keepImported(trace: ApiTrace): void {
  imported.set(trace.summary.traceId, trace);
}

export const findImported = (traceId: string): ApiTrace | undefined => imported.get(traceId);
