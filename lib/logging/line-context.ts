import {
  type Context,
  context as contextApi,
  INVALID_TRACEID,
  type SpanContext,
  trace,
} from '@opentelemetry/api';

import { withoutEndedTrace } from '../recording/lineage.js';

let given: Context | undefined;

/** The context whose span a line belongs to. */
export function lineContext(): Context {
  return given ?? withoutEndedTrace(contextApi.active());
}

/** Two hexadecimal digits for each byte, as in a `traceparent` header. */
export const TRACE_FLAGS: readonly string[] = Array.from({ length: 256 }, (_, flags) =>
  flags.toString(16).padStart(2, '0'),
);

/** The identity of the span a line in `context` belongs to; undefined outside of a valid one. */
export function spanContextOf(context: Context): SpanContext | undefined {
  const spanContext = trace.getSpan(context)?.spanContext();
  return spanContext?.traceId === INVALID_TRACEID ? undefined : spanContext;
}

/**
 * Writes a line, at once, as one of `context`. Nothing is awaited while a line is written, so that no storage that follows
 * asynchronous calls has to be entered for it.
 */
export function writeLineIn(context: Context, write: () => void): void {
  const before = given;
  given = context;
  try {
    write();
  } finally {
    given = before;
  }
}
