import { type Context, createContextKey } from '@opentelemetry/api';

/**
 * The key of `@opentelemetry/core`, the same symbol in all copies. The package itself is not imported for it: an
 * application whose telemetry is disabled loads nothing of OpenTelemetry but its API.
 */
const SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** A context in which nothing is recorded: what sends telemetry runs in it. */
export function suppressTracing(context: Context): Context {
  return context.setValue(SUPPRESSED, true);
}

/** Whether nothing is recorded in this context. */
export function isTracingSuppressed(context: Context): boolean {
  return context.getValue(SUPPRESSED) === true;
}
