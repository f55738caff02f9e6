import { types } from 'node:util';

import { type Settlement } from './settlement.js';

const NATIVE_THEN: unknown = Reflect.get(Promise.prototype, 'then');

/** True for a promise of the language whose `then` nobody replaced: it is running already, awaited or not. */
export function isRunningPromise(value: object): value is Promise<unknown> {
  if (!types.isPromise(value)) return false;
  const then: unknown = Reflect.get(value, 'then');
  // A subclass with a `then` of its own (postgres.js, p-lazy) may start its work only there: follow-thenable's case.
  return then === NATIVE_THEN || isForeignNativeThen(value, then);
}

/**
 * Settles with the promise and returns what the caller must get.
 *
 * An ordinary promise is continued, not watched from the side: a second reaction on it would mark a rejection
 * nobody handles as handled, and V8 gives up its `at async …` stack frames on a promise with two reactions.
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
