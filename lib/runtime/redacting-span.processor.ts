import { type Attributes, type Link, SpanStatusCode } from '@opentelemetry/api';
import { type Span, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { isRedactedEvent } from '../engine/span-view.js';
import { redaction } from '../redaction/active-redaction.js';

/**
 * Redacts spans of OpenTelemetry's SDK, in front of all other processors; spans of the fast engine
 * are redacted while they are recorded.
 */
export const redactingSpanProcessor: SpanProcessor = {
  onStart: redactSpan,
  onEnding: redactSpan,
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

function redactSpan(span: Span): void {
  const policy = redaction();
  if (!policy.enabled) return;
  const name = policy.text(span.name);
  if (name !== span.name) span.updateName(name);
  redactInPlace(span.attributes);
  for (const event of span.events) {
    if (isRedactedEvent(event)) continue;
    redactMember(event);
    const eventName = policy.text(event.name);
    if (eventName !== event.name && !Object.isFrozen(event)) event.name = eventName;
  }
  for (const link of span.links) redactMember(link);
  const { code, message } = span.status;
  if (message === undefined || code !== SpanStatusCode.ERROR) return;
  const clean = policy.errorText(message);
  if (clean !== message) span.setStatus({ code, message: clean });
}

/** The SDK copies most attributes of events and links; those that it does not copy are replaced. */
function redactMember(member: { attributes?: Attributes }): void {
  const { attributes } = member as Pick<Link, 'attributes'>;
  if (attributes === undefined) return;
  if (!Object.isFrozen(attributes)) redactInPlace(attributes);
  else if (!Object.isFrozen(member)) member.attributes = redaction().attributes(attributes);
}

function redactInPlace(attributes: Attributes): void {
  const policy = redaction();
  for (const key in attributes) {
    const value = attributes[key];
    const kept = policy.attribute(key, value);
    if (kept !== value) attributes[key] = kept;
  }
}
