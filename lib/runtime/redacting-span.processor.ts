import { type Attributes, type Link, SpanStatusCode } from '@opentelemetry/api';
import { type Span, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { isRedactedEvent } from '../engine/span-view.js';
import { redaction } from '../redaction/active-redaction.js';

/**
 * Keeps secrets out of the spans of OpenTelemetry's SDK; the spans of the fast engine never take them in. Belongs in front of all
 * other processors, which then see what is left.
 */
export class RedactingSpanProcessor implements SpanProcessor {
  onStart(span: Span): void {
    redactSpan(span);
  }

  onEnding(span: Span): void {
    redactSpan(span);
  }

  onEnd(): void {
    // The span has ended, and nothing was added since.
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

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
  const said = policy.errorText(message);
  if (said !== message) span.setStatus({ code, message: said });
}

/** Of events and links the SDK copies the attributes, so that they are its own; where it does not, they are replaced. */
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
