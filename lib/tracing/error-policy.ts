import { type Attributes, type Span, type SpanContext, SpanStatusCode } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';
import { isError } from '../errors/is-error.js';
import { asksFailure, type ErrorPredicate, isFailure } from '../invocation/is-failure.js';
import { processWide } from '../process/process-wide.js';
import { clipText, readSafely, readText, textOf } from '../recording/copy-bounded.js';
import { fingerprintException } from './fingerprint-exception.js';
import { isPassingPrimitive } from './passing-primitives.js';

export { type ErrorPredicate, isFailure as isSpanError };

/** Groups the exceptions of one problem; on the event that tells of it and on every span it passed. */
export const ATTR_EXCEPTION_FINGERPRINT = 'exception.fingerprint';

/** How deep the causes of an error are told. */
const MAX_CAUSES = 5;

/** Characters of one stack, of a message and of a type. */
const MAX_STACK = 32_768;
const MAX_MESSAGE = 32_768;
const MAX_TYPE = 256;

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
  const stack = stackOf(error);
  if (stack !== undefined) told[ATTR_EXCEPTION_STACKTRACE] = stack;
  span.addEvent('exception', origin === undefined ? told : { ...told, ...origin });
}

/** The span that recorded this error first; undefined where none did. */
export function whereSeen(error: unknown): SpanContext | undefined {
  return typeof error === 'object' && error !== null ? sightings.get(error)?.span : undefined;
}

/** The stack with those of its causes below, which V8 leaves out of it. */
function stackOf(error: unknown): string | undefined {
  const stack = isError(error) ? readText(error, 'stack') : undefined;
  if (stack === undefined) return undefined;
  let text = clipText(stack, MAX_STACK);
  let cause = causeOf(error);
  for (let depth = 0; depth < MAX_CAUSES && cause !== undefined && cause !== null; depth += 1) {
    const own = isError(cause) ? readText(cause, 'stack') : undefined;
    text += `\nCaused by: ${own === undefined ? messageOf(cause) : clipText(own, MAX_STACK)}`;
    cause = causeOf(cause);
  }
  return text;
}

function causeOf(error: unknown): unknown {
  return isError(error) ? readSafely(() => error.cause) : undefined;
}

/** `error.type` of a thrown value: the class name; the code of a system error says more. */
export function errorTypeOf(error: unknown): string {
  if (!isError(error)) return typeof error;
  const name = readSafely(() => error.name);
  if (name !== 'Error') return typeof name === 'string' ? clipText(name, MAX_TYPE) : textOf(name, MAX_TYPE);
  const type = readText(error, 'code') ?? readSafely(() => error.constructor.name);
  return typeof type === 'string' && type !== '' ? clipText(type, MAX_TYPE) : 'Error';
}

/** What a thrown value says, whatever it is. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return textOf(error, MAX_MESSAGE);
  // Whatever the types promise: anybody can write into an error.
  const message = readSafely(() => error.message);
  return typeof message === 'string' ? clipText(message, MAX_MESSAGE) : textOf(message, MAX_MESSAGE);
}
