import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type ListedAttributes, viewOf } from '../../engine/span-view.js';
import { describeEntry } from '../sqlite/describe-rows.js';
import { type StoredSpan } from '../sqlite/rows.interface.js';
import { weightOf } from '../sqlite/span-weight.js';
import { listAsJson, storedResourceOf } from './attribute-json.js';

/** The row of a span that has ended. */
export function toStoredSpan(span: ReadableSpan): StoredSpan {
  const view = viewOf(span);
  const { parentId, clock, attributeList, eventList = [], linkList = [], kind } = view;
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
    weight: weightOf(view.traceState, view.idLow),
    ...describeEntry(kind, (key) => findIn(attributeList, key)),
  };
}

function findIn(list: ListedAttributes | undefined, key: string): unknown {
  if (list === undefined) return undefined;
  const { entries, base } = list;
  for (let index = 0; index < entries.length; index += 2)
    if (entries[index] === key) return entries[index + 1];
  return base?.[key];
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
