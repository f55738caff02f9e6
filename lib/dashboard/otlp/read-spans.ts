import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_STATUS_CODE,
} from '../../config/semantic-conventions.constants.js';
import { redaction } from '../../redaction/active-redaction.js';
import { type JsonValue, type SpanEventAnswer, type SpanLinkAnswer } from '../reader/answers.interface.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../sqlite/rows.interface.js';
import { type Steps } from '../steps.js';
import { ItemCollector, readEachItem, type ReadItems, type Sender } from './read-items.js';
import {
  attributesAt,
  idAt,
  ItemRoom,
  listAt,
  MAX_NAME,
  microsecondsAt,
  numberAt,
  objectAt,
  textAt,
} from './read-values.js';
import { RequestBudget } from './request-limits.js';

type Fields = Readonly<Record<string, unknown>>;

/** As attributes were called before; others still do. */
const FORMER = { method: 'http.method', status: 'http.status_code' } as const;
/** Events and links of one span. */
const MAX_PARTS = 1_000;
const MAX_METHOD = 100;

/**
 * The rows of an `ExportTraceServiceRequest`, in steps.
 *
 * @throws DashboardError 400 when it is none, 413 beyond the budget
 */
export function* readSpanRows(
  request: Fields,
  budget = new RequestBudget(),
  now = Date.now(),
): Steps<ReadItems<StoredSpan>> {
  const collector = new ItemCollector<StoredSpan>(budget);
  const names = { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' };
  yield* readEachItem(request, names, budget, (span, sender) => {
    const room = new ItemRoom();
    const row = readSpan(span, sender, room, now);
    if (typeof row === 'string') collector.reject(row);
    else collector.add(row, room.isCut);
    return undefined;
  });
  return collector.result;
}

/** A row, or why there is none. */
function readSpan(
  span: Fields,
  { resource, scope }: Sender,
  room: ItemRoom,
  now: number,
): StoredSpan | string {
  const traceId = idAt(span, 'traceId', 32);
  const spanId = idAt(span, 'spanId', 16);
  const parentId = idAt(span, 'parentSpanId', 16) ?? '0'.repeat(16);
  const start = microsecondsAt(span, 'startTimeUnixNano', now);
  const end = microsecondsAt(span, 'endTimeUnixNano', now);
  if (traceId === undefined) return 'traceId must be 32 hexadecimal digits that are not all zero';
  if (spanId === undefined) return 'spanId must be 16 hexadecimal digits that are not all zero';
  if (start === undefined || end === undefined || isUnset(span.startTimeUnixNano))
    return 'startTimeUnixNano and endTimeUnixNano must be nanoseconds since the epoch, at most a day ahead';
  const attributes = attributesAt(span, room);
  const status = objectAt(span, 'status');
  // OTLP counts from 1, for 0 is "not said".
  const kind = Math.max(0, (numberAt(span, 'kind') ?? 1) - 1);
  const code = numberAt(status, 'code') ?? SPAN_STATUS.unset;
  const events = partsOf(span, 'events', room).map((event) => readEvent(event, room));
  const links = partsOf(span, 'links', room)
    .map((link) => readLink(link, room))
    .filter((link) => link !== undefined);
  return {
    resource,
    scope,
    traceId,
    idHigh: wordOf(spanId, 0),
    idLow: wordOf(spanId, 8),
    parentHigh: wordOf(parentId, 0),
    parentLow: wordOf(parentId, 8),
    name: redaction().text(room.takeText(textAt(span, 'name'), MAX_NAME)),
    kind: Number.isInteger(kind) && kind <= SPAN_KIND.consumer ? kind : SPAN_KIND.internal,
    start,
    duration: Math.max(0, end - start),
    status: code === SPAN_STATUS.error || code === SPAN_STATUS.ok ? code : SPAN_STATUS.unset,
    statusMessage: redaction().errorText(room.takeText(textAt(status, 'message'))) || undefined,
    attributes: JSON.stringify(attributes),
    events: events.length === 0 ? undefined : JSON.stringify(events),
    links: links.length === 0 ? undefined : JSON.stringify(links),
    ...(kind === SPAN_KIND.internal || kind === SPAN_KIND.client ? NO_ENTRY : describeEntry(attributes)),
  };
}

/** 0 is how protobuf says that there is none. */
function isUnset(time: unknown): boolean {
  return Number(time) === 0;
}

type Entry = Pick<StoredSpan, 'method' | 'route' | 'outcome'>;

const NO_ENTRY: Entry = { method: undefined, route: undefined, outcome: undefined };

/** By what a span entered its service, and how that ended. */
function describeEntry(attributes: Readonly<Record<string, JsonValue>>): Entry {
  const outcome =
    attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] ??
    attributes[FORMER.status] ??
    attributes[ATTR_RPC_STATUS_CODE] ??
    attributes[ATTR_ERROR_TYPE];
  const textOf = (value: JsonValue | undefined, max: number): string | undefined =>
    typeof value === 'string' ? value.slice(0, max) : undefined;
  return {
    method: textOf(attributes[ATTR_HTTP_REQUEST_METHOD] ?? attributes[FORMER.method], MAX_METHOD),
    route: textOf(attributes[ATTR_HTTP_ROUTE], MAX_NAME),
    outcome: textOf(typeof outcome === 'number' ? String(outcome) : outcome, MAX_METHOD),
  };
}

function partsOf(span: Fields, name: string, room: ItemRoom): readonly Fields[] {
  const parts = listAt(span, name);
  if (parts.length <= MAX_PARTS) return parts;
  room.isCut = true;
  return parts.slice(0, MAX_PARTS);
}

function readEvent(event: Fields, room: ItemRoom): SpanEventAnswer {
  return {
    name: redaction().text(room.takeText(textAt(event, 'name'), MAX_NAME)),
    time: (microsecondsAt(event, 'timeUnixNano') ?? 0) / 1_000,
    attributes: attributesAt(event, room),
  };
}

function readLink(link: Fields, room: ItemRoom): SpanLinkAnswer | undefined {
  const traceId = idAt(link, 'traceId', 32);
  const spanId = idAt(link, 'spanId', 16);
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, attributes: attributesAt(link, room) };
}

/** 32 bits of an id, from a digit on. */
function wordOf(id: string, from: number): number {
  return Number.parseInt(id.slice(from, from + 8), 16) | 0;
}
