import { type Span, trace } from '@opentelemetry/api';

import { recordException } from '../../tracing/error-policy.js';

/** What was thrown in a request, by its span: only its response shows whether that was an error. */
const failures = new WeakMap<Span, { readonly error: unknown }>();

/** Notes what the application threw in the active request, also unsampled, for its log line. */
export function noteRequestFailure(error: unknown): void {
  const span = trace.getActiveSpan();
  if (span === undefined) return;
  if (span.isRecording()) recordException(span, error);
  failures.set(span, { error });
}

/** undefined when nothing was thrown. */
export function requestFailureOf(span: Span): { readonly error: unknown } | undefined {
  return failures.get(span);
}
