import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import { type TelemetryOptions } from 'nestjs-telemetry';

import { type RecordedSpan } from './recorded-span.interface.js';

export type SpanProcessor = NonNullable<TelemetryOptions['spanProcessors']>[number];
export type FinishedSpan = Parameters<SpanProcessor['onEnd']>[0];

/** In the order of OpenTelemetry's `SpanKind`. */
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** A plain copy of `span`, holding on to nothing of the SDK. */
export function recordSpan(span: FinishedSpan): RecordedSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    service: String(span.resource.attributes['service.name']),
    name: span.name,
    kind: KINDS[span.kind],
    startMs: toMilliseconds(span.startTime),
    durationMs: toMilliseconds(span.duration),
    error: span.status.code === SpanStatusCode.ERROR ? (span.status.message ?? 'error') : undefined,
    attributes: span.attributes,
    events: span.events.map(({ name, time, attributes }) => ({
      name,
      timeMs: toMilliseconds(time),
      attributes: attributes ?? {},
    })),
  };
}

function toMilliseconds([seconds, nanoseconds]: HrTime): number {
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
