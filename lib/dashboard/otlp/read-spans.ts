import { redaction } from '../../redaction/active-redaction.js';
import { type SpanEventAnswer, type SpanLinkAnswer } from '../reader/answers/traces.interface.js';
import { describeEntry, MAX_NAME } from '../sqlite/describe-rows.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../sqlite/rows.interface.js';
import { weightOfText } from '../sqlite/span-weight.js';
import { type Steps } from '../steps.js';
import { type ReadItems, readRows, type Sender } from './read-items.js';
import {
  attributesAt,
  idAt,
  ItemRoom,
  listAt,
  microsecondsAt,
  numberAt,
  objectAt,
  textAt,
} from './read-values.js';
import { RequestBudget } from './request-limits.js';

type Fields = Readonly<Record<string, unknown>>;

/** Events and links of one span. */
const MAX_PARTS = 1_000;

/**
 * The rows of an `ExportTraceServiceRequest`, in steps.
 *
 * @throws DashboardError 400 when it is none, 413 beyond the budget
 */
export function readSpanRows(
  request: Fields,
  budget = new RequestBudget(),
  now = Date.now(),
): Steps<ReadItems<StoredSpan>> {
  return readRows('traces', request, budget, (span, sender, collector) => {
    const room = new ItemRoom();
    const row = readSpan(span, sender, room, now);
    if (typeof row === 'string') collector.reject(row);
    else collector.add(row, room.isCut);
    return undefined;
  });
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
    weight: weightOfText(textAt(span, 'traceState'), wordOf(spanId, 8)),
    ...describeEntry(kind, (key) => attributes[key]),
  };
}

/** 0 is how protobuf says that there is none. */
function isUnset(time: unknown): boolean {
  return Number(time) === 0;
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
