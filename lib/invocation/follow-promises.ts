import { types } from 'node:util';

import { replaceMembers } from './patch.js';
import { type Settlement } from './settlement.js';

const NATIVE_THEN: unknown = Reflect.get(Promise.prototype, 'then');

/** True for a promise of the language whose `then` was not replaced: it is running already, awaited or not. */
export function isRunningPromise(value: object): value is Promise<unknown> {
  if (!types.isPromise(value)) return false;
  const then: unknown = Reflect.get(value, 'then');
  // A subclass with its own `then` (postgres.js, p-lazy) may start its work only there: follow-thenable's case.
  return then === NATIVE_THEN || isForeignNativeThen(value, then);
}

/**
 * Settles with the promise and returns what the caller must get.
 *
 * An ordinary promise is continued, not watched from the side: a second reaction on it would mark a rejection
 * is not handled as handled, and V8 gives up its `at async …` stack frames on a promise with two reactions.
 * A promise that is more than that (a subclass, own properties such as execa's `pid`) is returned itself.
 */
export function followPromise<T>(promise: Promise<T>, settlement: Settlement): Promise<T> {
  const onFulfilled = (value: T): T => {
    settlement.succeed(value);
    return value;
  };
  if (isOrdinary(promise)) {
    return promise.then(onFulfilled, (error: unknown) => {
      settlement.fail(error);
      throw error;
    });
  }
  promise.then(onFulfilled, (error: unknown) => {
    settlement.fail(error);
  });
  return promise;
}

function isOrdinary(promise: Promise<unknown>): boolean {
  const prototype: unknown = Object.getPrototypeOf(promise);
  const plain = prototype === Promise.prototype || isForeignPromisePrototype(prototype);
  // Async hooks put symbols on promises.
  return plain && Object.getOwnPropertyNames(promise).length === 0;
}

/** The `Promise.prototype` of another realm (a vm context, as jest's): one step below that realm's `Object.prototype`. */
function isForeignPromisePrototype(prototype: unknown): boolean {
  if (typeof prototype !== 'object' || prototype === null) return false;
  const parent: unknown = Object.getPrototypeOf(prototype);
  return typeof parent === 'object' && parent !== null && Object.getPrototypeOf(parent) === null;
}

function isForeignNativeThen(promise: Promise<unknown>, then: unknown): boolean {
  for (let level: unknown = promise; level !== null; level = Object.getPrototypeOf(level)) {
    if (isForeignPromisePrototype(level)) return Reflect.get(level as object, 'then') === then;
  }
  return false;
}

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
  const patched = replaceMembers(thenable, members);
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
  // Both are generic by specification.
  const generic = Reflect.get(Promise.prototype, name) as Method;
  return function (...args) {
    return args.length === 1 ? generic.apply(this, args) : original.apply(this, args);
  };
}
