import { context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';

import { withoutEndedTrace } from '../engine/lineage.js';

/** Identity of the active span; undefined outside one, and where its trace ended more than a minute ago. */
function getCurrentSpanContext(): SpanContext | undefined {
  const spanContext = trace.getSpanContext(withoutEndedTrace(context.active()));
  return spanContext !== undefined && isSpanContextValid(spanContext) ? spanContext : undefined;
}

/**
 * Gives the id of the active trace: 32 hexadecimal digits, as `traceparent` and every backend spell it; undefined
 * outside a span.
 *
 * @example
 * response.setHeader('x-trace-id', getCurrentTraceId() ?? '');
 */
export function getCurrentTraceId(): string | undefined {
  return getCurrentSpanContext()?.traceId;
}

/** Gives the id of the active span: 16 hexadecimal digits; undefined outside a span. */
export function getCurrentSpanId(): string | undefined {
  return getCurrentSpanContext()?.spanId;
}
