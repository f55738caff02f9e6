import { Observable, type Subscriber, tap } from 'rxjs';

import { patchMembers } from './patched-members.js';
import { Settlement } from './settlement.js';

type Subscribe = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Settles with the first subscription: complete, error, or unsubscribe as a cancellation. Returns an Observable that
 * the caller subscribes to instead; a subclass with members of its own is returned itself, its next `subscribe` watched.
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
  const patched = patchMembers(source, { subscribe });
  if (patched === undefined) settlement.succeed(source);
  return source;
}
