import { type HrTime, SpanKind } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_STATUS_CODE,
} from '../../config/semantic-conventions.constants.js';
import { type AttributeList } from '../../engine/attribute-list.js';
import { LocalSpan, wordAt } from '../../engine/local-span.js';
import { RecordedSpan } from '../../engine/recorded-span.js';
import { type StoredSpan } from '../sqlite/rows.interface.js';
import { listAsJson, recordAsJson, storedResourceOf } from './attribute-json.js';

/** The row of a span that has ended. */
export function toStoredSpan(span: ReadableSpan): StoredSpan {
  return span instanceof RecordedSpan ? fromRecorded(span) : fromReadable(span);
}

function fromRecorded(span: RecordedSpan): StoredSpan {
  const { parent, clock, attributeList, eventList, linkList, kind } = span;
  let parentHigh = 0;
  let parentLow = 0;
  if (parent instanceof LocalSpan) {
    parentHigh = parent.idHigh;
    parentLow = parent.idLow;
  } else if (parent !== undefined) {
    parentHigh = wordAt(parent.spanId, 0);
    parentLow = wordAt(parent.spanId, 8);
  }
  const start = clock.anchorMs * 1_000 + Math.round(span.startInstant * 1_000);
  const entry =
    kind !== SpanKind.INTERNAL && kind !== SpanKind.CLIENT
      ? describeEntry((key) => findIn(attributeList, key))
      : NO_ENTRY;
  return {
    resource: storedResourceOf(span.resource),
    scope: span.instrumentationScope.name,
    traceId: span.traceId.toString(),
    idHigh: span.idHigh,
    idLow: span.idLow,
    parentHigh,
    parentLow,
    name: span.name,
    kind,
    start,
    duration: Math.max(0, Math.round((span.endInstant - span.startInstant) * 1_000)),
    status: span.status.code,
    statusMessage: span.status.message,
    attributes: listAsJson(attributeList),
    events:
      eventList === undefined
        ? undefined
        : asArray(
            eventList.map(({ name, instant, attributes }) =>
              eventAsJson(name, clock.anchorMs + instant, listAsJson(attributes)),
            ),
          ),
    links:
      linkList === undefined
        ? undefined
        : asArray(
            linkList.map(({ context, attributes }) =>
              linkAsJson(context.traceId, context.spanId, listAsJson(attributes)),
            ),
          ),
    method: entry.method,
    route: entry.route,
    outcome: entry.outcome,
  };
}

function fromReadable(span: ReadableSpan): StoredSpan {
  const { traceId, spanId } = span.spanContext();
  const { attributes } = span;
  const parent = span.parentSpanContext?.spanId;
  const start = microsecondsOf(span.startTime);
  return {
    resource: storedResourceOf(span.resource),
    scope: span.instrumentationScope.name,
    traceId,
    idHigh: wordAt(spanId, 0),
    idLow: wordAt(spanId, 8),
    parentHigh: parent === undefined ? 0 : wordAt(parent, 0),
    parentLow: parent === undefined ? 0 : wordAt(parent, 8),
    name: span.name,
    kind: span.kind,
    start,
    duration: Math.max(0, microsecondsOf(span.endTime) - start),
    status: span.status.code,
    statusMessage: span.status.message,
    attributes: recordAsJson(attributes),
    events: asArray(
      span.events.map((event) =>
        eventAsJson(event.name, microsecondsOf(event.time) / 1_000, recordAsJson(event.attributes ?? {})),
      ),
    ),
    links: asArray(
      span.links.map((link) =>
        linkAsJson(link.context.traceId, link.context.spanId, recordAsJson(link.attributes ?? {})),
      ),
    ),
    ...describeEntry((key) => attributes[key]),
  };
}

type Entry = Pick<StoredSpan, 'method' | 'route' | 'outcome'>;

const NO_ENTRY: Entry = { method: undefined, route: undefined, outcome: undefined };

/** By what a span entered its service, and how that ended. */
function describeEntry(find: (key: string) => unknown): Entry {
  return {
    method: textOf(find(ATTR_HTTP_REQUEST_METHOD)),
    route: textOf(find(ATTR_HTTP_ROUTE)),
    outcome:
      textOf(find(ATTR_HTTP_RESPONSE_STATUS_CODE)) ??
      textOf(find(ATTR_RPC_STATUS_CODE)) ??
      textOf(find(ATTR_ERROR_TYPE)),
  };
}

function findIn(list: AttributeList | undefined, key: string): unknown {
  if (list === undefined) return undefined;
  const { entries, base } = list;
  for (let index = 0; index < entries.length; index += 2)
    if (entries[index] === key) return entries[index + 1];
  return base?.[key];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function eventAsJson(name: string, time: number, attributes: string): string {
  return `{"name":${JSON.stringify(name)},"time":${time},"attributes":${attributes}}`;
}

function linkAsJson(traceId: string, spanId: string, attributes: string): string {
  return `{"traceId":${JSON.stringify(traceId)},"spanId":${JSON.stringify(spanId)},"attributes":${attributes}}`;
}

function asArray(members: readonly string[]): string | undefined {
  return members.length === 0 ? undefined : `[${members.join(',')}]`;
}

function microsecondsOf([seconds, nanos]: HrTime): number {
  return seconds * 1_000_000 + Math.round(nanos / 1_000);
}
