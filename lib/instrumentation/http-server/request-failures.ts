import { type Span, trace } from '@opentelemetry/api';

import { recordException } from '../../tracing/error-policy.js';

/**
 * What was thrown in a request, by its server span: only its response shows whether that was an
 * error.
 */
const failures = new WeakMap<Span, { readonly error: unknown }>();

/**
 * Notes what the application threw while the active request was handled, sampled or not: its line
 * in the log names it.
 */
export function noteRequestFailure(error: unknown): void {
  const span = trace.getActiveSpan();
  if (span === undefined) return;
  if (span.isRecording()) recordException(span, error);
  failures.set(span, { error });
}

/** What was noted for a server span; undefined when nothing was thrown. */
export function requestFailureOf(span: Span): { readonly error: unknown } | undefined {
  return failures.get(span);
}
