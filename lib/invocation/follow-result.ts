import { isObservable, type Observable } from 'rxjs';

import { textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { followPromise, followThenable, isRunningPromise, type LazyThenable } from './follow-promises.js';
import {
  followIterator,
  followObservable,
  followStream,
  isIterator,
  isNodeStream,
  readStreamOfFile,
} from './follow-streams.js';
import { type ResultObserver, Settlement } from './settlement.js';

/**
 * Returns what the caller must get in place of `result`, and notifies `observer` exactly once how the work that produced
 * it ended: a promise when it settles, an Observable with its first subscription, a generator or iterator when it is
 * exhausted or left, a Node stream or Nest `StreamableFile` when it ends; anything else immediately.
 *
 * Limits: what is lazy ends only when it is used. An Observable without a subscriber, a query builder without `await`
 * (`query.exec()` of mongoose by-passes `then`) and a generator abandoned in the middle never end. What a promise
 * resolves to is not followed further. Subjects, web streams, `Response`s and iterables that are not iterators are plain
 * values. An unhandled rejection stays unhandled, except on a subclass of Promise, which is watched from the side.
 */
export function followResult<T>(result: T, observer: ResultObserver): T {
  const settlement = new Settlement(observer);
  if (typeof result !== 'object' || result === null) {
    settlement.succeed(result);
    return result;
  }
  try {
    if (!Array.isArray(result)) return followObject(result, settlement);
    settlement.succeed(result);
    return result;
  } catch (error) {
    // A proxy or getter that throws on members it does not know: whatever it is, it stays the application's.
    warnOnce('invocation:follow', `Telemetry could not follow a returned object: ${textOf(error)}`);
    settlement.succeed(result);
    return result;
  }
}

/** Calls `fn` inside `observer.run` and follows what it returns; a synchronous throw is passed on and rethrown unchanged. */
export function invokeAndFollow<T>(fn: () => T, observer: ResultObserver): T {
  let result: T;
  try {
    result = observer.run === undefined ? fn() : observer.run(fn);
  } catch (error) {
    throw followThrow(error, observer);
  }
  return followResult(result, observer);
}

/** Passes what a call threw to `observer` and returns it, for the caller to throw. */
export function followThrow(error: unknown, observer: ResultObserver): unknown {
  new Settlement(observer).fail(error);
  return error;
}

function followObject<T extends object>(result: T, settlement: Settlement): T {
  if (isRunningPromise(result)) return followPromise(result, settlement) as object as T; // a promise for a promise
  if (isObservable(result)) {
    return followObservable(result as Observable<unknown>, settlement) as object as T; // an Observable for an Observable
  }
  if (isThenable(result)) return followThenable(result, settlement);
  const stream = isNodeStream(result) ? result : readStreamOfFile(result);
  if (stream !== undefined) followStream(stream, settlement);
  else if (isIterator(result)) followIterator(result, settlement);
  else settlement.succeed(result);
  return result;
}

function isThenable(value: object): value is LazyThenable {
  return typeof (value as { then?: unknown }).then === 'function';
}
