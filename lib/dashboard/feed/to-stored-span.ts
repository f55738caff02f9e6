import { SpanKind } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_STATUS_CODE,
} from '../../config/semantic-conventions.constants.js';
import { type ListedAttributes, viewOf } from '../../engine/span-view.js';
import { type StoredSpan } from '../sqlite/rows.interface.js';
import { listAsJson, storedResourceOf } from './attribute-json.js';

/** The row of a span that has ended. */
export function toStoredSpan(span: ReadableSpan): StoredSpan {
  const view = viewOf(span);
  const { parentId, clock, attributeList, eventList = [], linkList = [], kind } = view;
  const entry =
    kind !== SpanKind.INTERNAL && kind !== SpanKind.CLIENT
      ? describeEntry((key) => findIn(attributeList, key))
      : NO_ENTRY;
  return {
    resource: storedResourceOf(view.resource),
    scope: view.instrumentationScope.name,
    traceId: view.traceId.toString(),
    idHigh: view.idHigh,
    idLow: view.idLow,
    parentHigh: parentId?.idHigh ?? 0,
    parentLow: parentId?.idLow ?? 0,
    name: view.name,
    kind,
    start: clock.anchorMs * 1_000 + Math.round(view.startInstant * 1_000),
    duration: Math.max(0, Math.round((view.endInstant - view.startInstant) * 1_000)),
    status: view.status.code,
    statusMessage: view.status.message,
    attributes: listAsJson(attributeList),
    events: asArray(
      eventList.map(({ name, instant, attributes }) =>
        eventAsJson(name, clock.anchorMs + instant, listAsJson(attributes)),
      ),
    ),
    links: asArray(
      linkList.map(({ context, attributes }) =>
        linkAsJson(context.traceId, context.spanId, listAsJson(attributes)),
      ),
    ),
    method: entry.method,
    route: entry.route,
    outcome: entry.outcome,
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

function findIn(list: ListedAttributes | undefined, key: string): unknown {
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
