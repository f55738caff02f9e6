/** A trace as OTLP JSON, the way collectors and other tools take it. */
import type { ApiAttributes, ApiSpan, ApiTrace, ApiValue } from '../../api/api.interface.js';

export const SPAN_KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

function anyValue(value: ApiValue): object {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: (value as readonly ApiValue[]).map(anyValue) } };
  return { kvlistValue: { values: keyValues(value as ApiAttributes) } };
}

const keyValues = (attributes: ApiAttributes): readonly object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

/** Milliseconds with their fraction as nanoseconds; the fraction apart, or the sum would lose digits. */
function nanos(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000)));
}

const otlpSpan = (span: ApiSpan): object => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
  name: span.name,
  kind: SPAN_KINDS.lastIndexOf(span.kind),
  startTimeUnixNano: nanos(span.start),
  endTimeUnixNano: nanos(span.start + span.durationMs),
  attributes: keyValues(span.attributes),
  events: span.events.map(({ name, time, attributes }) => ({
    name,
    timeUnixNano: nanos(time),
    attributes: keyValues(attributes),
  })),
  links: span.links.map(({ traceId, spanId, attributes }) => ({
    traceId,
    spanId,
    attributes: keyValues(attributes),
  })),
  status: {
    code: STATUS[span.status],
    ...(span.statusMessage === undefined ? {} : { message: span.statusMessage }),
  },
});

/** Returns the trace's spans as the JSON of an OTLP trace export, indented. */
export function exportOtlp({ spans }: ApiTrace): string {
  const services = [...new Set(spans.map(({ service }) => service))];
  const resourceSpans = services.map((service) => {
    const own = spans.filter((span) => span.service === service);
    const scopes = [...new Set(own.map(({ scope }) => scope))];
    return {
      resource: { attributes: keyValues({ 'service.name': service }) },
      scopeSpans: scopes.map((name) => ({
        scope: { name },
        spans: own.filter(({ scope }) => scope === name).map(otlpSpan),
      })),
    };
  });
  return JSON.stringify({ resourceSpans }, null, 2);
}
