import { type Attributes, type Link, type SpanContext } from '@opentelemetry/api';
import { type TimedEvent } from '@opentelemetry/sdk-trace';

import { AttributeList } from './attribute-list.js';
import { type SpanClock } from './span-clock.js';
import { type RecordingLimits } from './span-owner.interface.js';

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
