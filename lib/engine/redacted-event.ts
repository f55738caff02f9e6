import { type Attributes, type Span, type TimeInput } from '@opentelemetry/api';
import { type ReadableSpan, type TimedEvent } from '@opentelemetry/sdk-trace';

import { RecordedSpan } from './recorded-span.js';

/**
 * Events of spans of OpenTelemetry's SDK that passed the redaction policy before they were added.
 */
const redacted = new WeakSet<TimedEvent>();

/**
 * Adds an event whose attributes, all of them texts, numbers and booleans, passed the redaction
 * policy already: neither engine searches them again.
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
  if (added !== undefined && added !== before) redacted.add(added);
}

export function isRedactedEvent(event: TimedEvent): boolean {
  return redacted.has(event);
}
