import { isObservable, Observable } from 'rxjs';

import { isRunningPromise } from '../../invocation/follow-promises.js';
import { followResult } from '../../invocation/follow-result.js';
import { type ResultObserver } from '../../invocation/settlement.js';

/**
 * Follows what a handler of NestJS answers, to the end of it. Handlers are async and resolve to
 * Observables: the promise is only where the answer begins.
 */
export function followAnswer(call: () => unknown, observer: ResultObserver): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    observer.onError(error);
    throw error;
  }
  if (typeof result !== 'object' || result === null || !isRunningPromise(result))
    return followValue(result, observer);
  return result.then(
    (value) => followValue(value, observer),
    (error: unknown) => {
      observer.onError(error);
      throw error;
    },
  );
}

function followValue(value: unknown, observer: ResultObserver): unknown {
  if (isObservable(value)) return followResult(asStream(value), observer);
  observer.onSuccess();
  return value;
}

/** An answer is a stream even where it is a Subject, which is a plain value elsewhere. */
function asStream(answer: Observable<unknown>): Observable<unknown> {
  return 'next' in answer ? new Observable((subscriber) => answer.subscribe(subscriber)) : answer;
}
