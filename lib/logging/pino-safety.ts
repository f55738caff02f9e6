import { type ChildLoggerOptions, type LogFn, type Logger, type LoggerOptions, symbols } from 'pino';

import { copyBounded, fitsBounds, textOf } from '../engine/copy-bounded.js';
import { describeThrown, serializeError } from '../engine/describe-error.js';
import { isError } from '../errors/telemetry.error.js';
import { redaction } from '../redaction/active-redaction.js';
import { loggingState } from './logging-state.js';

type LogMethodHook = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>;

/** Writes a line past pino, where that makes no difference to it; false, with nothing written, for others. */
export type WritePastPino = (logger: Logger, given: readonly unknown[], level: number) => boolean;

/**
 * A pino hook by which no log method throws: arguments that pino cannot write (a getter that
 * throws, an exotic proxy) are copied into harmless ones.
 */
export function guardLogMethod(
  ownHook: LogMethodHook | undefined,
  errorKey: string,
  writePastPino: WritePastPino,
): LogMethodHook {
  return function guarded(this: Logger, given, method, level) {
    const { levels } = loggingState();
    if (levels !== undefined && !levels.allows(this, level, contextOf(this, given))) return;
    if (ownHook === undefined && writePastPino(this, given, level)) return;
    let args = given;
    try {
      args = withMessage(given.every(isWritable) ? given : makeWritable(given), errorKey);
      if (ownHook === undefined) method.apply(this, args);
      else ownHook.call(this, args, method, level);
    } catch (error) {
      writeDefused(this, args, method, error);
    }
  };
}

/** What a line says of its class: a field of its own, or one of its logger. Never throws. */
function contextOf(logger: Logger, [first]: readonly unknown[]): unknown {
  try {
    const { context } = (first ?? {}) as { readonly context?: unknown };
    return context ?? logger.bindings().context;
  } catch {
    // A getter that throws.
    return undefined;
  }
}

type LogArguments = Parameters<LogFn>;

/** A longer message is cut before pino escapes it: the line would be cut down afterwards anyway. */
const MAX_MESSAGE = 65_536;

/**
 * Whether pino makes valid JSON of an argument: of a symbol or a function as message it does not.
 */
function isWritable(argument: unknown, index: number): boolean {
  switch (typeof argument) {
    case 'string':
      return argument.length <= MAX_MESSAGE;
    case 'object':
      // The first has the fields of the line, which are bounded one by one.
      return argument === null || (index === 0 ? !ArrayBuffer.isView(argument) : fitsBounds(argument));
    case 'number':
    case 'boolean':
    case 'undefined':
      return true;
    default:
      return false;
  }
}

function makeWritable(args: readonly unknown[]): LogArguments {
  return args.map((argument, index) => {
    if (isWritable(argument, index)) return argument;
    if (typeof argument !== 'object') return textOf(argument, MAX_MESSAGE);
    return index === 0 ? { value: copyBounded(argument) } : copyBounded(argument);
  }) as LogArguments; // pino declares an overload per kind of first argument
}

/** Where the line has no message pino takes that of its error, which may be no text. */
function withMessage(args: LogArguments, errorKey: string): LogArguments {
  const [first, second] = args as readonly unknown[];
  if (second !== undefined || typeof first !== 'object' || first === null) return args;
  const error: unknown = isError(first) ? first : (first as Readonly<Record<string, unknown>>)[errorKey];
  if (typeof error !== 'object' || error === null) return args;
  const { message } = error as { readonly message?: unknown };
  return message === undefined || typeof message === 'string'
    ? args
    : ([first, textOf(message)] as LogArguments); // pino declares an overload per kind of first argument
}

function writeDefused(logger: Logger, args: readonly unknown[], method: LogFn, error: unknown): void {
  try {
    const fields = args.map(defuse).find((argument) => typeof argument === 'object' && argument !== null);
    const message = args.find((argument) => typeof argument === 'string') ?? '';
    method.call(logger, { ...fields, log_error: describeThrown(error).message }, message);
  } catch {
    // Nothing of this line can be written: the serializers of the application throw.
  }
}

function defuse(argument: unknown): unknown {
  return isError(argument) ? { err: describeThrown(argument) } : copyBounded(argument);
}

type Fields = Readonly<Record<string, unknown>>;
type Serializers = NonNullable<LoggerOptions['serializers']>;
type Write = (this: Logger, given: unknown, message: unknown, level: number) => void;

/** pino's methods without the custom levels of its types, which would have to be the same. */
interface PinoMethods {
  readonly child: (this: Logger, bindings: Fields, options?: object) => Logger;
  readonly setBindings: (this: Logger, bindings: Fields) => void;
}

const NONE: Fields = Object.freeze({});

/** Those of the logger whose line is being made, which is synchronous. */
let serializersInForce = NONE;

/**
 * Redacts messages with their parameters, bindings of children, and what `PinoLogger.assign` adds,
 * of a pino instance and its children. `redactFields()` redacts fields where they are merged.
 */
export function redactLines(
  logger: Logger,
  keys: { readonly message: string; readonly error: string },
): void {
  // In two steps: the declarations of pino have the custom levels in the types of all methods.
  const { child, setBindings } = logger as unknown as PinoMethods;
  // pino declares the symbol, but not the method that it names.
  const methods = logger as Logger & Record<symbol, Write>;
  const write = methods[symbols.writeSym];
  if (write === undefined) return;
  methods[symbols.writeSym] = function redacted(given, message, level) {
    const clean = redactMessage(given, message, keys);
    const before = serializersInForce;
    serializersInForce = serializersOf(this);
    try {
      write.call(this, given, clean, level);
    } finally {
      serializersInForce = before;
    }
  };
  Object.assign(logger, {
    child(this: Logger, bindings: Fields, options?: ChildLoggerOptions) {
      const kept = redactFields(bindings, serializersOf(this), options?.serializers);
      if (options?.serializers === undefined) return child.call(this, kept, options);
      return child.call(this, kept, { ...options, serializers: redactSerializers(options.serializers) });
    },
    setBindings(this: Logger, bindings: Fields) {
      setBindings.call(this, redactFields(bindings, serializersOf(this)));
    },
  });
}

/**
 * The fields of a line without secrets, with errors at any depth written out; the same object where
 * nothing changes. A field that has a serializer stays: the result of that is redacted.
 *
 * @param serializers default: those of the logger whose line is being written
 */
export function redactFields<T extends Fields>(
  fields: T,
  serializers: Fields = serializersInForce,
  further: Fields = NONE,
): T {
  const policy = redaction();
  if (!policy.enabled) return fields;
  let copy: Record<string, unknown> | undefined;
  for (const key in fields) {
    const value: unknown = fields[key];
    const type = typeof value;
    if (type === 'boolean' || type === 'undefined') continue;
    if (Object.hasOwn(serializers, key) || Object.hasOwn(further, key)) continue;
    const kept =
      type === 'string' || type === 'number'
        ? policy.attribute(key, value as string | number)
        : (policy.ofSecretKey(key, value) ?? policy.nested(value, WRITING_ERRORS));
    if (kept !== value) (copy ??= { ...fields })[key] = kept;
  }
  return (copy ?? fields) as T; // the same keys
}

/** The application's serializers, whose results are redacted. */
export function redactSerializers(serializers: Serializers): Serializers {
  return Object.fromEntries(
    Reflect.ownKeys(serializers).map((key) => {
      const serializer = serializers[key as string];
      return [key, (value: unknown) => redactValue(key, serializer?.(value))];
    }),
  );
}

const WRITING_ERRORS = { writeError: serializeError };

function redactValue(key: string | symbol, value: unknown): unknown {
  const policy = redaction();
  if (!policy.enabled) return value;
  const secret = typeof key === 'string' ? policy.ofSecretKey(key, value) : undefined;
  return secret ?? policy.nested(value, WRITING_ERRORS);
}

function redactMessage(given: unknown, message: unknown, keys: { message: string; error: string }): unknown {
  const failure = errorOf(given, keys.error);
  // pino writes the message of the error where the line has none.
  const text = message ?? (hasMessage(given, keys.message) ? undefined : failure?.message);
  if (typeof text !== 'string') return message;
  return failure?.message === text ? redaction().errorText(text) : redaction().text(text);
}

function errorOf(given: unknown, errorKey: string): Error | undefined {
  if (isError(given)) return given;
  const nested = typeof given === 'object' && given !== null ? (given as Fields)[errorKey] : undefined;
  return isError(nested) ? nested : undefined;
}

function hasMessage(given: unknown, messageKey: string): boolean {
  return !isError(given) && (given as Fields | null | undefined)?.[messageKey] !== undefined;
}

function serializersOf(logger: Logger): Fields {
  // pino declares the symbol, but not the value that it names.
  const held = logger as Logger & Record<symbol, Fields | undefined>;
  return held[symbols.serializersSym] ?? NONE;
}
