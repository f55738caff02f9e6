import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '../config/semantic-conventions.constants.js';
import { isError } from '../errors/telemetry.error.js';
import { redaction } from '../redaction/active-redaction.js';
import { clipText, copyBounded, readSafely, readText, textOf } from './copy-bounded.js';

// An error has three forms: plain for a log line (`describeThrown()`), as parts for spans and
// metrics (`errorTypeOf()`, `messageOf()`, `stackWithCauses()`), and as the attributes of an
// exception.

/** An error as a log line carries it: plain, bounded, with its whole cause chain. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: unknown;
  /** What an AggregateError collected. */
  readonly errors?: readonly unknown[];
  readonly [property: string]: unknown;
}

const MAX_CAUSES = 10;
const MAX_AGGREGATED = 10;
/** Errors of one tree of causes and aggregated errors, in which each may have ten more. */
const MAX_ERRORS = 50;
const MAX_STACK = 8_192;
const OWN_PROPERTY_LIMITS = { depth: 3, entries: 20, text: 1_024, total: 8_192 };
/** In front of the stack of each cause. */
const CAUSED_BY = '\nCaused by: ';
/** In a stack on a span: causes, characters of one stack, of a message and of a type. */
const MAX_STACK_CAUSES = 5;
const MAX_SPAN_STACK = 32_768;
const MAX_MESSAGE = 32_768;
const MAX_TYPE = 256;
const NAMED_APART = new Set(['name', 'type', 'message', 'stack', 'cause', 'errors']);

/**
 * The error as a plain object, or `value` itself when it is not an error. Of own properties those
 * are kept, bounded, that the redaction policy knows to be harmless (`code`, `status`, …): others
 * hold requests, answers and rows. Never throws.
 */
export function serializeError(value: unknown): unknown {
  return isErrorLike(value) ? serialize(value, [], { left: MAX_ERRORS }) : value;
}

/** Whatever was thrown as a plain error: `throw 'text'` and `throw { code }` too. */
export function describeThrown(thrown: unknown): SerializedError {
  if (isErrorLike(thrown)) return serialize(thrown, [], { left: MAX_ERRORS });
  const isText = typeof thrown === 'string';
  const message = isText
    ? thrown
    : String(readSafely(() => JSON.stringify(redaction().nested(copyBounded(thrown))) || String(thrown)));
  return {
    type: thrown === null ? 'null' : typeof thrown,
    message: clipText(redaction().errorText(message), MAX_STACK),
  };
}

/** Whether a parsed field is an error that `serializeError` wrote. */
export function isSerializedError(value: unknown): value is SerializedError {
  return hasText(value, 'type') && hasText(value, 'message');
}

/** One text with the stack of the error and of everything that caused it. */
export function renderStack(error: SerializedError): string {
  const own = error.stack ?? `${error.type}: ${error.message}`;
  const aggregated = (error.errors ?? []).map((item, index) => `\n[errors ${index}] ${renderNested(item)}`);
  const cause = error.cause === undefined ? '' : CAUSED_BY + renderNested(error.cause);
  return own + aggregated.join('') + cause;
}

/** The attributes of an exception for an error that was described for a log line. */
export function describedAttributes(error: SerializedError): Attributes {
  const { type, code } = error;
  return {
    [ATTR_EXCEPTION_TYPE]: type === 'Error' && typeof code === 'string' ? code : type,
    [ATTR_EXCEPTION_MESSAGE]: error.message,
    [ATTR_EXCEPTION_STACKTRACE]: renderStack(error),
  };
}

/** What the error carries besides type, message, stack, cause and errors. */
export function ownProperties(error: SerializedError): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error).filter(([key]) => !NAMED_APART.has(key)));
}

/** The stack with those of its causes below, which V8 leaves out. */
export function stackWithCauses(error: unknown): string | undefined {
  const stack = isError(error) ? readText(error, 'stack') : undefined;
  if (stack === undefined) return undefined;
  let text = clipText(stack, MAX_SPAN_STACK);
  let cause = causeOf(error);
  for (let depth = 0; depth < MAX_STACK_CAUSES && cause !== undefined && cause !== null; depth += 1) {
    const own = isError(cause) ? readText(cause, 'stack') : undefined;
    text += `${CAUSED_BY}${own === undefined ? messageOf(cause) : clipText(own, MAX_SPAN_STACK)}`;
    cause = causeOf(cause);
  }
  return text;
}

function causeOf(error: unknown): unknown {
  return isError(error) ? readSafely(() => error.cause) : undefined;
}

/** `error.type` of a thrown value: its class, or the code of a system error, which says more. */
export function errorTypeOf(error: unknown): string {
  if (!isError(error)) return typeof error;
  const name = readSafely(() => error.name);
  if (name !== 'Error') return typeof name === 'string' ? clipText(name, MAX_TYPE) : textOf(name, MAX_TYPE);
  const type = readText(error, 'code') ?? readSafely(() => error.constructor.name);
  return typeof type === 'string' && type !== '' ? clipText(type, MAX_TYPE) : 'Error';
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return textOf(error, MAX_MESSAGE);
  // Whatever the types promise: any code can write into an error.
  const message = readSafely(() => error.message);
  return typeof message === 'string' ? clipText(message, MAX_MESSAGE) : textOf(message, MAX_MESSAGE);
}

/**
 * The attributes of an exception event as OpenTelemetry's SDK sets them, of whatever was thrown.
 * Never throws.
 */
export function exceptionAttributes(exception: unknown): Attributes {
  if (typeof exception !== 'object' || exception === null)
    return { [ATTR_EXCEPTION_MESSAGE]: textOf(exception, 65_536) };
  const read = (key: string): string | undefined => textIn(exception, key);
  const type = read('code') ?? read('name');
  const message = read('message');
  const stack = read('stack');
  return {
    ...(type !== undefined && { [ATTR_EXCEPTION_TYPE]: type }),
    ...(message !== undefined && { [ATTR_EXCEPTION_MESSAGE]: message }),
    ...(stack !== undefined && { [ATTR_EXCEPTION_STACKTRACE]: stack }),
  };
}

function textIn(exception: object, key: string): string | undefined {
  const value = readSafely(() => (exception as Readonly<Record<string, unknown>>)[key]);
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : textOf(value);
}

function renderNested(value: unknown): string {
  if (isSerializedError(value)) return renderStack(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What may still be written of one tree of errors. */
interface Budget {
  left: number;
}

function serialize(error: object, ancestors: readonly object[], budget: Budget): SerializedError {
  const policy = redaction();
  budget.left -= 1;
  const serialized: Record<string, unknown> = {
    type: readType(error),
    message: clipText(policy.errorText(textUnder(error, 'message') ?? ''), MAX_STACK),
  };
  const stack = textUnder(error, 'stack');
  if (stack !== undefined) serialized.stack = clipText(policy.errorText(stack), MAX_STACK);
  for (const key of readKeys(error)) {
    const value = readProperty(error, key);
    const copy = policy.keepsErrorProperty(key, value) ? copyProperty(key, value) : undefined;
    if (copy !== undefined) serialized[key] = copy;
  }
  const code = textUnder(readProperty(error, 'extensions'), 'code');
  // GraphQL's errors have their code in there, and beside it whatever the application put there.
  if (policy.limitsErrors && code !== undefined) serialized.extensions = { code: policy.text(code) };
  const path = [...ancestors, error];
  const cause = readProperty(error, 'cause');
  if (cause !== undefined && typeof cause !== 'function')
    serialized.cause = serializeNested(cause, path, budget);
  const errors = readErrors(error);
  if (errors !== undefined) serialized.errors = errors.map((item) => serializeNested(item, path, budget));
  return serialized as SerializedError;
}

/** The first of the errors that an AggregateError collected, and how many there are more. */
function readErrors(error: object): unknown[] | undefined {
  const errors = readSafely(() => {
    const all: unknown = (error as { readonly errors?: unknown }).errors;
    if (!Array.isArray(all)) return undefined;
    const first = all.slice(0, MAX_AGGREGATED) as unknown[];
    return all.length > first.length ? [...first, `[${all.length - first.length} more]`] : first;
  });
  return Array.isArray(errors) ? errors : undefined;
}

function copyProperty(key: string, value: unknown): unknown {
  const policy = redaction();
  if (typeof value === 'string') return clipText(policy.errorText(value), OWN_PROPERTY_LIMITS.text);
  const copy = copyBounded(value, OWN_PROPERTY_LIMITS);
  return policy.enabled ? (policy.ofSecretKey(key, copy) ?? policy.nested(copy)) : copy;
}

function serializeNested(value: unknown, path: readonly object[], budget: Budget): unknown {
  if (!isErrorLike(value)) return describeNoError(value);
  if (path.includes(value)) return '[Circular]';
  if (path.length > MAX_CAUSES || budget.left <= 0) return '[Truncated]';
  return serialize(value, path, budget);
}

/**
 * A cause, or one of several errors, that is no error itself: a text, or an object such as an issue
 * of a validator.
 */
function describeNoError(value: unknown): unknown {
  const policy = redaction();
  if (typeof value === 'string') return clipText(policy.errorText(value), OWN_PROPERTY_LIMITS.text);
  const copy = copyBounded(value, OWN_PROPERTY_LIMITS);
  if (!policy.limitsErrors || typeof copy !== 'object' || copy === null || Array.isArray(copy)) {
    return policy.nested(copy);
  }
  const kept = Object.entries(copy).filter(
    ([key, item]) => NAMED_APART.has(key) || policy.keepsErrorProperty(key, item),
  );
  return policy.nested(
    Object.fromEntries(
      kept.map(([key, item]) => [key, typeof item === 'string' ? policy.errorText(item) : (item as unknown)]),
    ),
  );
}

function isErrorLike(value: unknown): value is object {
  return isError(value) || (hasText(value, 'message') && (hasText(value, 'stack') || hasText(value, 'type')));
}

function hasText(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && typeof readProperty(value, key) === 'string';
}

/** `name` where it was set, or else the class: both are more than `Error`. */
function readType(error: object): string {
  const name = textUnder(error, 'name');
  if (name !== undefined && name !== '' && name !== 'Error') return name;
  return textUnder(error, 'type') ?? textUnder(readProperty(error, 'constructor'), 'name') ?? 'Error';
}

function readKeys(error: object): string[] {
  const keys = readSafely(() => Object.keys(error));
  if (!Array.isArray(keys)) return [];
  return (keys as string[]).filter((key) => !NAMED_APART.has(key)).slice(0, OWN_PROPERTY_LIMITS.entries);
}

function textUnder(holder: unknown, key: string): string | undefined {
  if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) return undefined;
  const value = readProperty(holder, key);
  return typeof value === 'string' ? value : undefined;
}

function readProperty(holder: object, key: string): unknown {
  return readSafely(() => (holder as Record<string, unknown>)[key]);
}
