import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';

/** Decides whether what was thrown makes a span an error; overrides the default policy. */
export type ErrorPredicate = (error: unknown) => boolean;

/**
 * The one error policy: whatever is thrown is an error of the span, except an answer the caller asked for, which is
 * what NestJS's `HttpException` with a status below 500 is.
 */
function isSpanError(error: unknown): boolean {
  const status = httpStatusOf(error);
  return status === undefined || status >= 500;
}

/** Status of an `HttpException`, told by its shape: several copies of @nestjs/common may be loaded. */
function httpStatusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (!('getStatus' in error) || typeof error.getStatus !== 'function') return undefined;
  const status: unknown = (error as { getStatus(): unknown }).getStatus();
  return typeof status === 'number' ? status : undefined;
}

/** Trace in which an error object was recorded already: on its way up it passes many spans, one event tells it all. */
const recordedIn = new WeakMap<object, string>();

/** Puts a failure on the span: the exception once per trace, at the span it passed first, and the error status. */
export function recordFailure(span: Span, error: unknown, isError: ErrorPredicate = isSpanError): void {
  if (!span.isRecording()) return;
  recordException(span, error);
  if (!isError(error)) return;
  span.setAttribute(ATTR_ERROR_TYPE, errorTypeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/** Tells of an exception as an event, unless a span of the trace has told of that very object already. */
export function recordException(span: Span, error: unknown): void {
  if (isFirstSighting(span, error)) span.addEvent('exception', describeException(error, errorTypeOf(error)));
}

function isFirstSighting(span: Span, error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true;
  const { traceId } = span.spanContext();
  if (recordedIn.get(error) === traceId) return false;
  recordedIn.set(error, traceId);
  return true;
}

function describeException(error: unknown, type: string): Attributes {
  const attributes: Attributes = { [ATTR_EXCEPTION_TYPE]: type, [ATTR_EXCEPTION_MESSAGE]: messageOf(error) };
  if (error instanceof Error && error.stack !== undefined)
    attributes[ATTR_EXCEPTION_STACKTRACE] = error.stack;
  return attributes;
}

/** `error.type` of a thrown value: the class name; the code of a system error says more. */
export function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && error.name === 'Error') return code;
  return error.name === 'Error' ? error.constructor.name || 'Error' : error.name;
}

/** What a thrown value says, whatever it is. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (typeof error === 'string') return error;
  try {
    return JSON.stringify(error);
  } catch {
    return Object.prototype.toString.call(error);
  }
}
