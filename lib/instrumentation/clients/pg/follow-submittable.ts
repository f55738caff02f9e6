import { patchMembers } from '../../../invocation/patched-members.js';

/** A query, cursor or stream of the caller's: pg itself tells it how it goes on. */
export interface Submittable {
  readonly handleReadyForQuery: (...args: unknown[]) => unknown;
  readonly handleError: (...args: unknown[]) => unknown;
}

export function isSubmittable(value: unknown): value is Submittable {
  return (
    typeof value === 'object' &&
    value !== null &&
    'handleReadyForQuery' in value &&
    typeof value.handleReadyForQuery === 'function' &&
    'handleError' in value &&
    typeof value.handleError === 'function'
  );
}

/** Tells when pg is done with it. Its events would not do: a cursor emits no error that nobody listens to. */
export function followSubmittable(submittable: Submittable, finish: (error?: unknown) => void): void {
  const { handleReadyForQuery, handleError } = submittable;
  const laid = patchMembers(submittable, {
    handleReadyForQuery: (...args: unknown[]) => {
      laid?.restore();
      finish();
      return handleReadyForQuery.apply(submittable, args);
    },
    handleError: (...args: unknown[]) => {
      laid?.restore();
      finish(args[0]);
      return handleError.apply(submittable, args);
    },
  });
}
