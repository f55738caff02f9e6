import { ATTR_SERVICE_NAME } from '../../config/semantic-conventions.constants.js';
import { type JsonAttributes, type JsonValue, type SpanAnswer } from '../reader/answers.interface.js';
import { SPAN_KIND, SPAN_STATUS } from '../sqlite/rows.interface.js';
import { type Steps, TimeSlice } from '../steps.js';

/**
 * Spans as OTLP's JSON: an `ExportTraceServiceRequest` that any receiver takes.
 *
 * @param resources attributes of each service, by its name
 */
export function* writeOtlpTrace(
  spans: readonly SpanAnswer[],
  resources: Readonly<Record<string, JsonAttributes>>,
): Steps<object> {
  const turn = new TimeSlice();
  const resourceSpans: object[] = [];
  for (const [service, ofService] of Map.groupBy(spans, ({ service }) => service)) {
    const scopeSpans: object[] = [];
    for (const [scope, ofScope] of Map.groupBy(ofService, ({ scope }) => scope)) {
      const written: object[] = [];
      for (const span of ofScope) {
        written.push(writeSpan(span));
        if (turn.isOver()) yield* turn.pass();
      }
      scopeSpans.push({ scope: { name: scope }, spans: written });
    }
    const attributes = writeAttributes(resources[service] ?? { [ATTR_SERVICE_NAME]: service });
    resourceSpans.push({ resource: { attributes }, scopeSpans });
  }
  return { resourceSpans };
}

function writeSpan(span: SpanAnswer): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    // OTLP counts from 1, for 0 is "not said".
    kind: SPAN_KIND[span.kind] + 1,
    startTimeUnixNano: nanoseconds(span.start),
    endTimeUnixNano: nanoseconds(span.start + span.durationMs),
    attributes: writeAttributes(span.attributes),
    events: span.events.map(({ name, time, attributes }) => ({
      timeUnixNano: nanoseconds(time),
      name,
      attributes: writeAttributes(attributes),
    })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({
      traceId,
      spanId,
      attributes: writeAttributes(attributes),
    })),
    status: {
      code: SPAN_STATUS[span.status],
      ...(span.statusMessage !== undefined && { message: span.statusMessage }),
    },
  };
}

function writeAttributes(attributes: JsonAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: writeValue(value) }));
}

function writeValue(value: JsonValue): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      if (value === null) return {};
      return Array.isArray(value)
        ? { arrayValue: { values: (value as readonly JsonValue[]).map(writeValue) } }
        : { kvlistValue: { values: writeAttributes(value as JsonAttributes) } };
  }
}

/** Milliseconds have three decimals at most: microseconds are what the store knows. */
function nanoseconds(milliseconds: number): string {
  return `${Math.round(milliseconds * 1_000)}000`;
}
