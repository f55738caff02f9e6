import { type Attributes, type Span, type SpanContext, SpanStatusCode } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_FINGERPRINT,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';
import { errorTypeOf, messageOf, stackWithCauses } from '../engine/describe-error.js';
import { asksFailure, type ErrorPredicate, isFailure } from '../invocation/is-failure.js';
import { processWide } from '../process/process-wide.js';
import { fingerprintException } from './fingerprint-exception.js';

export { errorTypeOf, type ErrorPredicate, isFailure as isSpanError, messageOf };

interface RecordedError {
  /** Trace in which the error was recorded last: it passes many spans on its way up, and one event is enough. */
  traceId: string;
  readonly fingerprint: string;
  /** The first span that recorded it; missing where an older copy of this package did. */
  readonly span?: SpanContext;
}

const recordedErrors = processWide('exception-sightings', () => new WeakMap<object, RecordedError>());

/** Records a failure on the span: the exception once per trace, on the first span it passes, and the error status. */
export function recordFailure(span: Span, error: unknown, isError?: ErrorPredicate): void {
  if (!span.isRecording()) return;
  recordException(span, error);
  if (!asksFailure(isError, error)) return;
  span.setAttribute(ATTR_ERROR_TYPE, errorTypeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/**
 * Records an exception as an event, unless a span of the trace has recorded that object already, and sets its fingerprint on
 * the span either way.
 *
 * @param origin further attributes of the event, about the place where it was thrown
 */
export function recordException(span: Span, error: unknown, origin?: Attributes): void {
  if (!span.isRecording()) return;
  const type = errorTypeOf(error);
  const message = messageOf(error);
  const { traceId } = span.spanContext();
  const object = (typeof error === 'object' && error !== null) || typeof error === 'function';
  const known = object ? recordedErrors.get(error) : undefined;
  const fingerprint = known?.fingerprint ?? fingerprintException(error, type, message);
  span.setAttribute(ATTR_EXCEPTION_FINGERPRINT, fingerprint);
  if (object ? known?.traceId === traceId : wasAlreadyRecorded(span, error)) return;
  if (known !== undefined) known.traceId = traceId;
  else if (object) recordedErrors.set(error, { traceId, fingerprint, span: span.spanContext() });
  const attributes: Attributes = {
    [ATTR_EXCEPTION_TYPE]: type,
    [ATTR_EXCEPTION_MESSAGE]: message,
    [ATTR_EXCEPTION_FINGERPRINT]: fingerprint,
  };
  const stack = stackWithCauses(error);
  if (stack !== undefined) attributes[ATTR_EXCEPTION_STACKTRACE] = stack;
  span.addEvent('exception', origin === undefined ? attributes : { ...attributes, ...origin });
}

/** The span that recorded this error first; undefined where none did. */
export function whereSeen(error: unknown): SpanContext | undefined {
  return typeof error === 'object' && error !== null ? recordedErrors.get(error)?.span : undefined;
}

/** How many thrown primitives are followed at a time; an older one may be recorded twice. */
const MAX_FOLLOWED = 32;

/** What was thrown, by the span it reaches next on its way up. */
const followed = new Map<string, unknown>();

/**
 * Returns whether the span below recorded this throw of a string, a number or another value without identity. Such a value is
 * followed from child to parent: afterwards the parent of `span` expects it.
 */
function wasAlreadyRecorded(span: Span, value: unknown): boolean {
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
