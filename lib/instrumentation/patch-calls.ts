import { patch } from '../invocation/patch.js';
import { type Undo } from '../process/undo-all.js';

/** A method of a library, with its `this` and its parameters. */
export type Call<S, A extends unknown[] = unknown[]> = (this: S, ...args: A) => unknown;

/** Makes one call of a library's method, and records it; returns what the caller gets. */
export type RecordCall<S, A extends unknown[] = unknown[]> = (
  self: S,
  original: Call<S, A>,
  args: A,
) => unknown;

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
  // Its types are what the caller knows of the methods by these names.
  const make = record as unknown as RecordCall<unknown>;
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
