import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_STATUS_CODE,
} from '../../config/semantic-conventions.constants.js';
import { redaction } from '../../redaction/active-redaction.js';
import { SPAN_KIND, SPAN_STATUS, type StoredResource, type StoredSpan } from '../../store/rows.interface.js';
import { type ApiSpanEvent, type ApiSpanLink, type ApiValue } from '../api/api.interface.js';
import { readResource } from './read-resource.js';
import { attributesAt, idAt, listAt, microsecondsAt, numberAt, objectAt, textAt } from './read-values.js';

type Fields = Readonly<Record<string, unknown>>;

/** What a request had in it: rows, and how many items could not be made into one, with the reason of the last. */
export interface ReadItems<Row> {
  readonly rows: readonly Row[];
  readonly rejected: number;
  readonly reason: string;
}

/** As attributes were called before; others still do. */
const FORMER = { method: 'http.method', status: 'http.status_code' } as const;
const MAX_NAME = 1_000;

/**
 * The rows of an `ExportTraceServiceRequest`.
 *
 * @throws DashboardError 400 when it is none
 */
export function readSpanRows(request: Fields): ReadItems<StoredSpan> {
  const rows: StoredSpan[] = [];
  let rejected = 0;
  let reason = '';
  for (const ofResource of listAt(request, 'resourceSpans')) {
    const resource = readResource(objectAt(ofResource, 'resource'));
    for (const ofScope of listAt(ofResource, 'scopeSpans')) {
      const scope = textAt(objectAt(ofScope, 'scope'), 'name');
      for (const span of listAt(ofScope, 'spans')) {
        const row = readSpan(span, resource, scope);
        if (typeof row !== 'string') rows.push(row);
        else {
          rejected += 1;
          reason = row;
        }
      }
    }
  }
  return { rows, rejected, reason };
}

/** A row, or why there is none. */
function readSpan(span: Fields, resource: StoredResource, scope: string): StoredSpan | string {
  const traceId = idAt(span, 'traceId', 32);
  const spanId = idAt(span, 'spanId', 16);
  const parentId = idAt(span, 'parentSpanId', 16) ?? '0'.repeat(16);
  const start = microsecondsAt(span, 'startTimeUnixNano');
  const end = microsecondsAt(span, 'endTimeUnixNano');
  if (traceId === undefined) return 'traceId must be 32 hexadecimal digits that are not all zero';
  if (spanId === undefined) return 'spanId must be 16 hexadecimal digits that are not all zero';
  if (start === undefined || end === undefined)
    return 'startTimeUnixNano and endTimeUnixNano must be nanoseconds since the epoch';
  const attributes = attributesAt(span);
  const status = objectAt(span, 'status');
  // OTLP counts from 1, for 0 is "not said".
  const kind = Math.max(0, (numberAt(span, 'kind') ?? 1) - 1);
  const code = numberAt(status, 'code') ?? SPAN_STATUS.unset;
  const events = listAt(span, 'events').map(readEvent);
  const links = listAt(span, 'links')
    .map(readLink)
    .filter((link) => link !== undefined);
  return {
    resource,
    scope,
    traceId,
    idHigh: wordOf(spanId, 0),
    idLow: wordOf(spanId, 8),
    parentHigh: wordOf(parentId, 0),
    parentLow: wordOf(parentId, 8),
    name: redaction().text(textAt(span, 'name')).slice(0, MAX_NAME),
    kind: Number.isInteger(kind) && kind <= SPAN_KIND.consumer ? kind : SPAN_KIND.internal,
    start,
    duration: Math.max(0, end - start),
    status: code === SPAN_STATUS.error || code === SPAN_STATUS.ok ? code : SPAN_STATUS.unset,
    statusMessage: redaction().errorText(textAt(status, 'message')) || undefined,
    attributes: JSON.stringify(attributes),
    events: events.length === 0 ? undefined : JSON.stringify(events),
    links: links.length === 0 ? undefined : JSON.stringify(links),
    ...(kind === SPAN_KIND.internal || kind === SPAN_KIND.client ? NO_ENTRY : describeEntry(attributes)),
  };
}

type Entry = Pick<StoredSpan, 'method' | 'route' | 'outcome'>;

const NO_ENTRY: Entry = { method: undefined, route: undefined, outcome: undefined };

/** By what a span entered its service, and how that ended. */
function describeEntry(attributes: Readonly<Record<string, ApiValue>>): Entry {
  const outcome =
    attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] ??
    attributes[FORMER.status] ??
    attributes[ATTR_RPC_STATUS_CODE] ??
    attributes[ATTR_ERROR_TYPE];
  const textOf = (value: ApiValue | undefined): string | undefined =>
    typeof value === 'string' ? value : undefined;
  return {
    method: textOf(attributes[ATTR_HTTP_REQUEST_METHOD] ?? attributes[FORMER.method]),
    route: textOf(attributes[ATTR_HTTP_ROUTE]),
    outcome: typeof outcome === 'string' || typeof outcome === 'number' ? String(outcome) : undefined,
  };
}

function readEvent(event: Fields): ApiSpanEvent {
  return {
    name: textAt(event, 'name').slice(0, MAX_NAME),
    time: (microsecondsAt(event, 'timeUnixNano') ?? 0) / 1_000,
    attributes: attributesAt(event),
  };
}

function readLink(link: Fields): ApiSpanLink | undefined {
  const traceId = idAt(link, 'traceId', 32);
  const spanId = idAt(link, 'spanId', 16);
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, attributes: attributesAt(link) };
}

/** 32 bits of an id, from a digit on. */
function wordOf(id: string, from: number): number {
  return Number.parseInt(id.slice(from, from + 8), 16) | 0;
}
