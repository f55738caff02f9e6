import {
  type AnyValue,
  type Attributes,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  type TimeInput,
  TraceFlags,
  type TraceState,
} from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';

import { type LocalIds, LocalSpan, parseSpanId, type SpanId, TraceId } from './local-span.js';
import { RecordedSpan } from './recorded-span.js';

/** Attributes in the order in which they were set. */
export interface ListedAttributes {
  /** A frozen record that comes first. What is made of it may be kept by its identity. */
  readonly base: Readonly<Attributes> | undefined;
  /** `[key, value, key, value, …]` */
  readonly entries: readonly AnyValue[];
  /** Attributes that were refused. */
  readonly dropped: number;
}

export interface EventView {
  readonly name: string;
  /** Milliseconds since `clock.anchorMs`. */
  readonly instant: number;
  readonly attributes: ListedAttributes | undefined;
}

interface LinkView {
  readonly context: SpanContext;
  readonly attributes: ListedAttributes | undefined;
}

/** A span that has ended as encoders and the store read it, the same for both engines. */
export interface SpanView extends LocalIds {
  readonly name: string;
  readonly kind: SpanKind;
  readonly status: SpanStatus;
  readonly traceState: TraceState | undefined;
  readonly parentId: SpanId | undefined;
  /** Whether the parent is a span of another process. */
  readonly hasRemoteParent: boolean;
  /** Whole milliseconds since the epoch from which the instants of the span count. */
  readonly clock: { readonly anchorMs: number };
  readonly startInstant: number;
  readonly endInstant: number;
  readonly attributeList: ListedAttributes | undefined;
  readonly eventList: readonly EventView[] | undefined;
  readonly linkList: readonly LinkView[] | undefined;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
}

/** The view of a span of either engine; a span of the fast engine is its own view. */
export function viewOf(span: ReadableSpan): SpanView {
  return span instanceof RecordedSpan ? span : viewOfSdkSpan(span);
}

/** The ids of a span of the fast engine, and what makes texts of them. */
export interface LocalSpanIds extends LocalIds, Pick<Span, 'spanContext'> {}

/** The ids of a span of the fast engine; undefined for any other. */
export function localIdsOf(span: object): LocalSpanIds | undefined {
  return span instanceof LocalSpan ? span : undefined;
}

/** Whether the span is exported. */
export function isSampled(span: Pick<Span, 'spanContext'>): boolean {
  const flags = span instanceof LocalSpan ? span.traceFlags : span.spanContext().traceFlags;
  return (flags & TraceFlags.SAMPLED) !== 0;
}

/** Whether no span of this process is above it: a request, a message, a job. */
export function isLocalRoot(span: Pick<ReadableSpan, 'parentSpanContext'>): boolean {
  if (span instanceof LocalSpan) return span.localParent === undefined;
  const { parentSpanContext: parent } = span;
  return parent === undefined || parent.isRemote === true;
}

function viewOfSdkSpan(span: ReadableSpan): SpanView {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const { parentSpanContext: parent, startTime } = span;
  const anchorMs = startTime[0] * 1_000;
  const instantOf = ([seconds, nanos]: HrTime): number => seconds * 1_000 - anchorMs + nanos / 1_000_000;
  return {
    traceId: TraceId.parse(traceId),
    ...parseSpanId(spanId),
    traceFlags,
    traceState,
    name: span.name,
    kind: span.kind,
    status: span.status,
    parentId: parent && parseSpanId(parent.spanId),
    hasRemoteParent: parent?.isRemote === true,
    clock: { anchorMs },
    startInstant: instantOf(startTime),
    endInstant: instantOf(span.endTime),
    attributeList: listOf(span.attributes, span.droppedAttributesCount),
    eventList: span.events.map(({ name, time, attributes, droppedAttributesCount }) => ({
      name,
      instant: instantOf(time),
      attributes: listOf(attributes, droppedAttributesCount),
    })),
    linkList: span.links.map((link: Link) => ({
      context: link.context,
      attributes: listOf(link.attributes, link.droppedAttributesCount),
    })),
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
  };
}

function listOf(attributes: Attributes | undefined, dropped = 0): ListedAttributes | undefined {
  const entries: AnyValue[] = [];
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined && Object.hasOwn(attributes, key)) entries.push(key, value);
  }
  return entries.length === 0 && dropped === 0 ? undefined : { base: undefined, entries, dropped };
}

/** Events of spans of OpenTelemetry's SDK that passed the redaction policy before they were added. */
const redactedEvents = new WeakSet<TimedEvent>();

/**
 * Adds an event whose attributes, all of them texts, numbers and booleans, passed the redaction policy already: neither engine
 * searches them again.
 */
export function addRedactedEvent(span: Span, name: string, attributes: Attributes, time: TimeInput): void {
  if (span instanceof RecordedSpan) {
    span.addRedactedEvent(name, attributes, time);
    return;
  }
  const { events } = span as Partial<Pick<ReadableSpan, 'events'>>; // a span of the SDK has them
  const before = events?.at(-1);
  span.addEvent(name, attributes, time);
  const added = events?.at(-1);
  // The span may have refused it.
  if (added !== undefined && added !== before) redactedEvents.add(added);
}

export function isRedactedEvent(event: TimedEvent): boolean {
  return redactedEvents.has(event);
}
