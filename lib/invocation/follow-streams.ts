import { errorMonitor } from 'node:events';
import { finished } from 'node:stream';
import { types } from 'node:util';

import { Observable, type Subscriber, tap } from 'rxjs';

import { isRunningPromise } from './follow-promises.js';
import { replaceMembers } from './patch.js';
import { Settlement } from './settlement.js';

type Step = (this: unknown, ...args: unknown[]) => unknown;
type StepName = 'next' | 'return' | 'throw';

type FollowableIterator = object & { next: Step; return?: unknown; throw?: unknown };

/** True for generators, built-in iterators and hand-written ones, asynchronous or not; collections are not iterators. */
export function isIterator(value: object): value is FollowableIterator {
  if (types.isGeneratorObject(value)) return true;
  const candidate = value as Partial<
    Record<'next' | typeof Symbol.iterator | typeof Symbol.asyncIterator, unknown>
  >;
  if (typeof candidate.next !== 'function') return false;
  return (
    typeof candidate[Symbol.iterator] === 'function' ||
    typeof candidate[Symbol.asyncIterator] === 'function' ||
    // A page of results may carry a `next` too; an iterator without the symbols carries nothing else.
    Reflect.ownKeys(value).every((key) => key === 'next' || key === 'return' || key === 'throw')
  );
}

/**
 * Settles when the iterator is exhausted (success), throws (error) or is left early (`return()`: cancelled). Its steps
 * run inside the context of the call; the same object is returned, its methods replaced until it settles.
 */
export function followIterator<T extends FollowableIterator>(iterator: T, settlement: Settlement): T {
  const step = (name: StepName, original: Step): Step =>
    function (this: unknown, ...args) {
      if (settlement.settled) return original.apply(this, args);
      try {
        const result = settlement.run(() => original.apply(this, args));
        return isPromise(result) ? afterwards(name, result) : inspect(name, result);
      } catch (error) {
        end(() => {
          settlement.fail(error);
        });
        throw error;
      }
    };
  const afterwards = (name: StepName, result: Promise<unknown>): Promise<unknown> =>
    result.then(
      (value) => inspect(name, value),
      (error: unknown) => {
        end(() => {
          settlement.fail(error);
        });
        throw error;
      },
    );
  const inspect = (name: StepName, result: unknown): unknown => {
    if (isUnfinished(result)) return result;
    end(() => {
      if (name === 'return') settlement.cancel();
      else settlement.succeed();
    });
    return result;
  };
  const end = (settle: () => void): void => {
    patched?.restore();
    settle();
  };
  // Without a `return` a loop leaves an iterator silently; an own one makes leaving it visible.
  const leave: Step = (value) => ({ done: true, value });
  const members: Record<string, unknown> = { next: step('next', iterator.next) };
  members.return = step('return', typeof iterator.return === 'function' ? (iterator.return as Step) : leave);
  if (typeof iterator.throw === 'function') members.throw = step('throw', iterator.throw as Step);
  const patched = replaceMembers(iterator, members);
  if (patched === undefined) settlement.succeed(iterator);
  return iterator;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && isRunningPromise(value);
}

/** `next` of a database cursor may return rows instead of iterator results; such an object cannot be followed further. */
function isUnfinished(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false;
  return ('done' in result || 'value' in result) && (result as IteratorResult<unknown>).done !== true;
}

type Subscribe = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Settles with the first subscription: complete, error, or unsubscribe as a cancellation. Returns an Observable that
 * the caller subscribes to instead; a subclass with its own members is returned itself, its next `subscribe` watched.
 *
 * A Subject or connectable is a plain value: it is state handed over, whose end (if any) is not the end of the call.
 */
export function followObservable<T>(source: Observable<T>, settlement: Settlement): Observable<T> {
  if ('next' in source || 'connect' in source) {
    settlement.succeed(source);
    return source;
  }
  if (isSubclass(source)) return followSubclass(source, settlement);
  let first = true;
  return new Observable<T>((subscriber) => {
    if (first) {
      first = false;
      return subscribeWatched(source, subscriber, settlement);
    }
    const again = settlement.observer.onResubscribe?.();
    if (again === undefined) return source.subscribe(subscriber);
    return subscribeWatched(source, subscriber, new Settlement(again));
  });
}

function subscribeWatched<T>(source: Observable<T>, subscriber: Subscriber<T>, settlement: Settlement) {
  try {
    return settlement.run(() => source.pipe(watch<T>(settlement)).subscribe(subscriber));
  } catch (error) {
    settlement.fail(error);
    throw error;
  }
}

function watch<T>(settlement: Settlement) {
  return tap<T>({
    complete: () => {
      settlement.succeed();
    },
    error: (error: unknown) => {
      settlement.fail(error);
    },
    unsubscribe: () => {
      settlement.cancel();
    },
  });
}

/** True when there is a class between the object and rxjs's own `Observable`, whichever copy of rxjs that is. */
function isSubclass(source: object): boolean {
  const base: unknown = Object.getPrototypeOf(Object.getPrototypeOf(source));
  return base !== null && Object.getPrototypeOf(base) !== null;
}

function followSubclass<T>(source: Observable<T>, settlement: Settlement): Observable<T> {
  const subscribe: Subscribe = function (this: unknown, ...args) {
    patched?.restore();
    const bare = new Observable<T>((subscriber) => source.subscribe(subscriber));
    const followed = new Observable<T>((subscriber) => subscribeWatched(bare, subscriber, settlement));
    return Reflect.apply(Reflect.get(followed, 'subscribe') as Subscribe, followed, args);
  };
  const patched = replaceMembers(source, { subscribe });
  if (patched === undefined) settlement.succeed(source);
  return source;
}

/** True for a Node stream, of this Node or of `readable-stream`: by shape, as Node itself decides. */
export function isNodeStream(value: object): value is NodeJS.ReadableStream {
  const candidate = value as { pipe?: unknown; on?: unknown };
  return typeof candidate.pipe === 'function' && typeof candidate.on === 'function';
}

/** The stream inside a Nest `StreamableFile` (by shape: there may be two copies of Nest), or undefined. */
export function readStreamOfFile(value: object): NodeJS.ReadableStream | undefined {
  const candidate = value as { getStream?: unknown; getHeaders?: unknown };
  if (typeof candidate.getStream !== 'function' || typeof candidate.getHeaders !== 'function')
    return undefined;
  const stream: unknown = (candidate.getStream as () => unknown).call(value);
  return typeof stream === 'object' && stream !== null && isNodeStream(stream) ? stream : undefined;
}

/** Settles when the stream has ended: success, error, or cancelled when it was destroyed before its end. */
export function followStream(stream: NodeJS.ReadableStream, settlement: Settlement): void {
  // An 'error' listener of ours would keep Node from reporting an error without other listeners; a monitor does not.
  const onError = (error: unknown): void => {
    settlement.fail(error);
  };
  stream.on(errorMonitor, onError);
  finished(stream, { error: false }, (error) => {
    stream.removeListener(errorMonitor, onError);
    if (error === undefined || error === null) settlement.succeed();
    else if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') settlement.cancel();
    else settlement.fail(error);
  });
}
