import { type LogFn, type Logger, type LoggerOptions } from 'pino';

import { isError } from '../errors/is-error.js';
import { copyBounded } from '../recording/copy-bounded.js';
import { describeThrown } from './serialize-error.js';

type LogMethodHook = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>;

/**
 * A pino hook that keeps logging from throwing into the application: arguments that pino cannot write (a getter that
 * throws, an exotic proxy) are copied into something harmless and written after all.
 */
export function guardLogMethod(ownHook: LogMethodHook | undefined): LogMethodHook {
  return function guarded(this: Logger, args, method, level) {
    try {
      if (ownHook === undefined) method.apply(this, args);
      else ownHook.call(this, args, method, level);
    } catch (error) {
      writeDefused(this, args, method, error);
    }
  };
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
