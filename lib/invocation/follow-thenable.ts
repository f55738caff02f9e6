import { patchMembers } from './patched-members.js';
import { type Settlement } from './settlement.js';

type Reaction = ((value: unknown) => unknown) | null | undefined;
type Then = (this: unknown, onFulfilled?: Reaction, onRejected?: Reaction) => unknown;
type Method = (this: unknown, ...args: unknown[]) => unknown;

export type LazyThenable = object & { then: Then; catch?: unknown; finally?: unknown };

/**
 * Settles when the caller awaits the thenable, and returns the same object.
 *
 * `then` of a query builder (knex, mongoose, Prisma, postgres.js) runs the query, so it is never called from here: it is
 * replaced on the object until the work settles. `catch` and `finally` go through it, as a promise's do.
 */
export function followThenable<T extends LazyThenable>(thenable: T, settlement: Settlement): T {
  const originalThen = thenable.then;
  const then: Then = function (onFulfilled, onRejected) {
    if (settlement.settled) return originalThen.call(this, onFulfilled, onRejected);
    try {
      return settlement.run(() =>
        originalThen.call(
          this,
          (value) => {
            finish(() => {
              settlement.succeed(value);
            });
            return typeof onFulfilled === 'function' ? onFulfilled(value) : value;
          },
          (error) => {
            finish(() => {
              settlement.fail(error);
            });
            if (typeof onRejected === 'function') return onRejected(error);
            throw error;
          },
        ),
      );
    } catch (error) {
      finish(() => {
        settlement.fail(error);
      });
      throw error;
    }
  };
  const members: Record<string, unknown> = { then };
  for (const name of ['catch', 'finally'] as const) {
    const original = thenable[name];
    if (typeof original === 'function') members[name] = throughThen(name, original as Method);
  }
  const patched = patchMembers(thenable, members);
  const finish = (settle: () => void): void => {
    patched?.restore();
    settle();
  };
  // Frozen: how it ends cannot be seen, so the call ends here.
  if (patched === undefined) settlement.succeed(thenable);
  return thenable;
}

/** `catch(handler)` in terms of `this.then`; other signatures (bluebird's filtered catch) stay the library's own. */
function throughThen(name: 'catch' | 'finally', original: Method): Method {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below; both are generic by specification
  const generic = Promise.prototype[name] as Method;
  return function (...args) {
    return args.length === 1 ? generic.apply(this, args) : original.apply(this, args);
  };
}
