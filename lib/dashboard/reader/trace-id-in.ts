const TRACE_ID = /^[\da-f]{32}$/i;

/** The value of `traceparent` and `traceresponse`, also in a metric of `Server-Timing`. */
const HEADER = /(?<![\da-z])[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}(?![\da-z])/i;

/**
 * The trace id that a search text is, or that a pasted header shows; undefined for any other text.
 */
export function traceIdIn(text: string): string | undefined {
  const trimmed = text.trim();
  return TRACE_ID.test(trimmed) ? trimmed : HEADER.exec(trimmed)?.[1];
}
