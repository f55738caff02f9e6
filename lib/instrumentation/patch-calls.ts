import { patch } from '../invocation/patch.js';
import { type Undo } from '../process/undo-all.js';

/** A method of a library, with its `this` and its parameters. */
export type Call<S, A extends unknown[] = unknown[]> = (this: S, ...args: A) => unknown;

/** Makes one call of a library's method, and records it; returns what the caller gets. */
export type RecordCall<S, A extends unknown[] = unknown[]> = {
  // In the form of a method: a table holds those of methods with different parameters.
  record(self: S, original: Call<S, A>, args: A): unknown;
}['record'];

/**
 * Has `record` make the calls of methods of a library's class. However many copies of this package
 * do, a call is recorded once; methods stay untouched that another instrumentation has wrapped.
 * Returns the undo.
 */
export function patchCalls<S, A extends unknown[] = unknown[]>(
  prototype: object,
  names: string | readonly string[],
  record: RecordCall<S, A>,
): Undo {
  const make: RecordCall<unknown> = record;
  return patch(
    prototype,
    names,
    (original, state) =>
      function (...args) {
        return state.active ? make(this, original, args) : original.apply(this, args);
      },
    { once: true },
  );
}

/** Records the calls for which `isRecorded` is true; the others are made as they are. */
export function recordWhen<S, A extends unknown[] = unknown[]>(
  isRecorded: (self: S) => boolean,
  record: RecordCall<S, A>,
): RecordCall<S, A> {
  return (self, original, args) =>
    isRecorded(self) ? record(self, original, args) : original.apply(self, args);
}
