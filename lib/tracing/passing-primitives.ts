import { type Span, type SpanContext } from '@opentelemetry/api';

/** How many thrown primitives are followed at a time; an older one may be told twice. */
const MAX_FOLLOWED = 32;

/** What was thrown, by the span it reaches next on its way up. */
const followed = new Map<string, unknown>();

/**
 * True when this very throw of a string, a number or another value without identity was told by the span below: it is
 * followed from child to parent. Either way the parent of `span` is where it is expected next.
 */
export function isPassingPrimitive(span: Span, value: unknown): boolean {
  const { traceId, spanId } = span.spanContext();
  const here = `${traceId}${spanId}`;
  const passing = followed.has(here) && Object.is(followed.get(here), value);
  followed.delete(here);
  const parent = parentOf(span);
  if (parent !== undefined) {
    followed.set(`${parent.traceId}${parent.spanId}`, value);
    if (followed.size > MAX_FOLLOWED) followed.delete(followed.keys().next().value ?? '');
  }
  return passing;
}

/** Only spans of an SDK know their parent. */
function parentOf(span: Span): SpanContext | undefined {
  return (span as { readonly parentSpanContext?: SpanContext }).parentSpanContext;
}
