import { type Attributes } from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { ATTR_SERVICE_NAME } from '../../config/semantic-conventions.constants.js';
import { attributeText } from '../attribute-text.js';

type JaegerTagValue = string | number | boolean;

/**
 * Converts a span for the Jaeger exporter. Jaeger's process contains the resource, once per packet,
 * so the span repeats only the service name, from which the exporter names the process. Lists
 * become JSON, as the specification requires; the exporter would join them with commas.
 */
export function toJaegerSpan(span: ReadableSpan): ReadableSpan {
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext && { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: span.status,
    attributes: toJaegerTags(span.attributes),
    links: span.links,
    events: span.events.map((event) =>
      event.attributes === undefined ? event : { ...event, attributes: toJaegerTags(event.attributes) },
    ),
    duration: span.duration,
    ended: span.ended,
    resource: withServiceNameOnly(span.resource),
    instrumentationScope: { ...span.instrumentationScope, version: span.instrumentationScope.version ?? '' },
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

/** The attributes of the process, which Jaeger shows beside the service name. */
export function toProcessTags({ attributes }: Resource): { key: string; value: JaegerTagValue }[] {
  return Object.entries(toJaegerTags(attributes))
    .filter(([key]) => key !== ATTR_SERVICE_NAME)
    .map(([key, value]) => ({ key, value }));
}

function toJaegerTags(attributes: Attributes): Record<string, JaegerTagValue> {
  const tags: Record<string, JaegerTagValue> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined)
      tags[key] = typeof value === 'number' || typeof value === 'boolean' ? value : attributeText(value);
  }
  return tags;
}

const namedResources = new WeakMap<Resource, Resource>();

function withServiceNameOnly(resource: Resource): Resource {
  const known = namedResources.get(resource);
  if (known !== undefined) return known;
  const serviceName = resource.attributes[ATTR_SERVICE_NAME];
  const named: Resource = {
    attributes: serviceName === undefined ? {} : { [ATTR_SERVICE_NAME]: serviceName },
    merge: (other) => resource.merge(other),
    getRawAttributes: () => [[ATTR_SERVICE_NAME, serviceName]],
  };
  namedResources.set(resource, named);
  return named;
}
