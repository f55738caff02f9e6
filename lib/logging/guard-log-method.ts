import { type LogFn, type Logger, type LoggerOptions } from 'pino';

import { isError } from '../errors/is-error.js';
import { copyBounded, textOf } from '../recording/copy-bounded.js';
import { fitsBounds } from '../recording/fits-bounds.js';
import { describeThrown } from './serialize-error.js';

type LogMethodHook = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>;

/**
 * A pino hook that keeps logging from throwing into the application: arguments that pino cannot write (a getter that
 * throws, an exotic proxy) are copied into something harmless and written after all.
 */
export function guardLogMethod(ownHook: LogMethodHook | undefined, errorKey = 'err'): LogMethodHook {
  return function guarded(this: Logger, given, method, level) {
    let args = given;
    try {
      args = withMessage(areWritable(given) ? given : makeWritable(given), errorKey);
      if (ownHook === undefined) method.apply(this, args);
      else ownHook.call(this, args, method, level);
    } catch (error) {
      writeDefused(this, args, method, error);
    }
  };
}

type LogArguments = Parameters<LogFn>;

/** A longer message is cut before pino escapes it: the line would be cut down afterwards anyway. */
const MAX_MESSAGE = 65_536;

/** Whether pino makes valid JSON of the arguments: of a symbol or a function as message it makes `undefined`. */
function areWritable(args: readonly unknown[]): boolean {
  for (let index = 0; index < args.length; index += 1) if (!isWritable(args[index], index)) return false;
  return true;
}

function isWritable(argument: unknown, index: number): boolean {
  switch (typeof argument) {
    case 'string':
      return argument.length <= MAX_MESSAGE;
    case 'object':
      // The first are the fields of the line, which are bounded one by one.
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
  }) as unknown as LogArguments; // pino declares an overload per kind of first argument
}

/** pino takes the message of an error where the line has none, whatever it is. */
function withMessage(args: LogArguments, errorKey: string): LogArguments {
  const [first, second] = args as readonly unknown[];
  if (second !== undefined || typeof first !== 'object' || first === null) return args;
  const error: unknown = isError(first) ? first : (first as Readonly<Record<string, unknown>>)[errorKey];
  if (typeof error !== 'object' || error === null) return args;
  const { message } = error as { readonly message?: unknown };
  return message === undefined || typeof message === 'string'
    ? args
    : ([first, textOf(message)] as unknown as LogArguments); // as above
}

function writeDefused(logger: Logger, args: readonly unknown[], method: LogFn, error: unknown): void {
  try {
    const fields =
      args.map(defuse).find((argument) => typeof argument === 'object' && argument !== null) ?? {};
    const message = args.find((argument) => typeof argument === 'string');
    method.call(logger, { ...fields, log_error: describeThrown(error).message }, message ?? '');
  } catch {
    // Nothing of this line can be written (the serializers of the application throw); the application goes on.
  }
}

function defuse(argument: unknown): unknown {
  return isError(argument) ? { err: describeThrown(argument) } : copyBounded(argument);
}
