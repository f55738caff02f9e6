import { textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';

/** Decides whether what was thrown is an error of the call; overrides the default policy. */
export type ErrorPredicate = (error: unknown) => boolean;

/**
 * The one error policy, of spans and of metrics: whatever is thrown is an error of the call, except an answer the caller
 * asked for, which is what NestJS's `HttpException` with a status below 500 is.
 */
export function isFailure(error: unknown): boolean {
  const status = httpStatusOf(error);
  return status === undefined || status >= 500;
}

/** Calls the application's predicate; if that throws, the default policy decides, with one warning. */
export function asksFailure(isError: ErrorPredicate | undefined, error: unknown): boolean {
  if (isError === undefined || isError === isFailure) return isFailure(error);
  try {
    return isError(error);
  } catch (thrown) {
    warnOnce(
      'invocation:is-error',
      `The function in isError failed: ${textOf(thrown)}. The default policy decides instead.`,
    );
    return isFailure(error);
  }
}

/** Status of an `HttpException`, recognised by its shape: several copies of @nestjs/common may be loaded. */
function httpStatusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  try {
    if (!('getStatus' in error) || typeof error.getStatus !== 'function') return undefined;
    const status: unknown = (error as { getStatus(): unknown }).getStatus();
    return typeof status === 'number' ? status : undefined;
  } catch {
    // It only looks like one: without a status it is a failure.
    return undefined;
  }
}
