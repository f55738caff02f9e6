import { type Attributes, type Link, type SpanContext } from '@opentelemetry/api';
import { type TimedEvent } from '@opentelemetry/sdk-trace';

import { AttributeList } from './attribute-list.js';
import type { RecordingLimits } from './recorded-span.js';
import { type SpanClock } from './span-clock.js';

const TRACE_ID = /^[\da-f]{32}$/i;
const SPAN_ID = /^[\da-f]{16}$/i;

/** What happened at one instant of a span; the instant in milliseconds of the span's clock. */
export interface RecordedEvent {
  readonly name: string;
  readonly instant: number;
  readonly attributes: AttributeList | undefined;
}

export interface RecordedLink {
  readonly context: SpanContext;
  readonly attributes: AttributeList | undefined;
}

/** The attributes that an event or a link is given, within limits. */
export function listAttributes(
  given: Readonly<Attributes> | undefined,
  limits: RecordingLimits['attributes'],
): AttributeList | undefined {
  if (given === undefined) return undefined;
  const list = new AttributeList(limits);
  list.setAll(given);
  return list;
}

/** A copy of a link's context that no getter can change later; undefined for what is no context. Never throws. */
export function copySpanContext(given: unknown): SpanContext | undefined {
  try {
    const { traceId, spanId, traceFlags, traceState, isRemote } = given as SpanContext;
    if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
    return {
      traceId,
      spanId,
      traceFlags: typeof traceFlags === 'number' ? traceFlags & 0xff : 0,
      ...(traceState !== undefined && typeof traceState.serialize() === 'string' && { traceState }),
      ...(isRemote !== undefined && { isRemote }),
    };
  } catch {
    return undefined;
  }
}

/** Adds to a list that keeps its newest; returns whether nothing had to go. */
export function pushBounded<T>(list: T[], item: T, limit: number): boolean {
  if (limit === 0) return false;
  const full = list.length >= limit;
  if (full) list.shift();
  list.push(item);
  return !full;
}

/** Events as OpenTelemetry's SDK has them. */
export function toTimedEvents(events: readonly RecordedEvent[], clock: SpanClock): TimedEvent[] {
  return events.map(({ name, instant, attributes }) => ({
    name,
    time: clock.toHrTime(instant),
    ...describe(attributes),
  }));
}

/** Links as OpenTelemetry's API has them. */
export function toLinks(links: readonly RecordedLink[]): Link[] {
  return links.map(({ context, attributes }) => ({ context, ...describe(attributes) }));
}

function describe(list: AttributeList | undefined): Pick<Link, 'attributes' | 'droppedAttributesCount'> {
  return list === undefined ? {} : { attributes: list.toAttributes(), droppedAttributesCount: list.dropped };
}
