import { type Attributes, type Span, type SpanContext, SpanStatusCode } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_FINGERPRINT,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';
import { type ErrorPredicate, asksFailure, isFailure } from '../invocation/is-failure.js';
import { processWide } from '../process/process-wide.js';
import { errorTypeOf, messageOf, stackWithCauses } from '../engine/describe-error.js';
import { fingerprintException } from './fingerprint-exception.js';

export { errorTypeOf, type ErrorPredicate, isFailure as isSpanError, messageOf };

interface Sighting {
  /** Trace in which the error was told last: on its way up it passes many spans, one event tells it all. */
  traceId: string;
  readonly fingerprint: string;
  /** The first span that told of it; missing where an older copy of this package has recorded it. */
  readonly span?: SpanContext;
}

const sightings = processWide('exception-sightings', () => new WeakMap<object, Sighting>());

/** Puts a failure on the span: the exception once per trace, at the span it passed first, and the error status. */
export function recordFailure(span: Span, error: unknown, isError?: ErrorPredicate): void {
  if (!span.isRecording()) return;
  recordException(span, error);
  if (!asksFailure(isError, error)) return;
  span.setAttribute(ATTR_ERROR_TYPE, errorTypeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/**
 * Tells of an exception as an event, unless a span of the trace has told of that very object already, and groups the
 * span by it either way.
 *
 * @param origin what else is known of the place where it was thrown; put on the event
 */
export function recordException(span: Span, error: unknown, origin?: Attributes): void {
  if (!span.isRecording()) return;
  const type = errorTypeOf(error);
  const message = messageOf(error);
  const { traceId } = span.spanContext();
  const object = (typeof error === 'object' && error !== null) || typeof error === 'function';
  const sighting = object ? sightings.get(error) : undefined;
  const fingerprint = sighting?.fingerprint ?? fingerprintException(error, type, message);
  span.setAttribute(ATTR_EXCEPTION_FINGERPRINT, fingerprint);
  if (object ? sighting?.traceId === traceId : isPassingPrimitive(span, error)) return;
  if (sighting !== undefined) sighting.traceId = traceId;
  else if (object) sightings.set(error, { traceId, fingerprint, span: span.spanContext() });
  const told: Attributes = {
    [ATTR_EXCEPTION_TYPE]: type,
    [ATTR_EXCEPTION_MESSAGE]: message,
    [ATTR_EXCEPTION_FINGERPRINT]: fingerprint,
  };
  const stack = stackWithCauses(error);
  if (stack !== undefined) told[ATTR_EXCEPTION_STACKTRACE] = stack;
  span.addEvent('exception', origin === undefined ? told : { ...told, ...origin });
}

/** The span that recorded this error first; undefined where none did. */
export function whereSeen(error: unknown): SpanContext | undefined {
  return typeof error === 'object' && error !== null ? sightings.get(error)?.span : undefined;
}

/** How many thrown primitives are followed at a time; an older one may be told twice. */
const MAX_FOLLOWED = 32;

/** What was thrown, by the span it reaches next on its way up. */
const followed = new Map<string, unknown>();

/**
 * True when this very throw of a string, a number or another value without identity was told by the span below: it is
 * followed from child to parent. Either way the parent of `span` is where it is expected next.
 */
function isPassingPrimitive(span: Span, value: unknown): boolean {
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
