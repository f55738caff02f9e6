import {
  BehaviorSubject,
  defer,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  Observable,
  of,
  range,
  retry,
  take,
  throwError,
  toArray,
} from 'rxjs';

import { followResult } from '../../lib/invocation/follow-result.js';
import { RecordingObserver } from './recording-observer.js';

describe('followResult(Observable)', () => {
  it('settles when the first subscription completes, not when it is made', async () => {
    const observer = new RecordingObserver();
    const followed = followResult(from([1, 2, 3]), observer);
    expect(observer.endings).toEqual([]);

    await expect(lastValueFrom(followed.pipe(toArray()))).resolves.toEqual([1, 2, 3]);

    expect(observer.endings).toEqual([['success']]);
  });

  it('settles with the very error the subscriber receives', async () => {
    const observer = new RecordingObserver();
    const error = new Error('upstream');

    const caught: unknown = await lastValueFrom(
      followResult(
        throwError(() => error),
        observer,
      ),
    ).catch((e: unknown) => e);

    expect(caught).toBe(error);
    expect(observer.endings).toEqual([['error', error]]);
  });

  it('reports a cancellation when the caller unsubscribes before the end', () => {
    const observer = new RecordingObserver();

    followResult(interval(1000), observer).subscribe().unsubscribe();

    expect(observer.endings).toEqual([['cancel']]);
  });

  it('stops a synchronous source as soon as the subscriber has enough', async () => {
    let produced = 0;
    const endless = new Observable<number>((subscriber) => {
      while (!subscriber.closed && produced < 1000) subscriber.next(produced++);
    });

    await firstValueFrom(followResult(endless, new RecordingObserver()));

    expect(produced).toBe(1);
  });

  it('subscribes inside the context of the call', async () => {
    const observer = new RecordingObserver();

    const inside = await firstValueFrom(
      followResult(
        defer(() => of(observer.inside)),
        observer,
      ),
    );

    expect(inside).toBe(true);
  });

  it('passes later subscriptions through', async () => {
    const observer = new RecordingObserver();
    const followed = followResult(range(0, 2), observer);

    await lastValueFrom(followed);
    await expect(lastValueFrom(followed)).resolves.toBe(1);

    expect(observer.endings).toHaveLength(1);
  });

  it('asks for a new observer per retry when the observer offers one', async () => {
    const attempts: RecordingObserver[] = [new RecordingObserver()];
    const onResubscribe = (): RecordingObserver => {
      const next = Object.assign(new RecordingObserver(), { onResubscribe });
      attempts.push(next);
      return next;
    };
    let calls = 0;
    const flaky = defer(() => (++calls < 3 ? throwError(() => new Error('again')) : of('done')));
    const followed = followResult(flaky, Object.assign(attempts[0]!, { onResubscribe }));

    await expect(lastValueFrom(followed.pipe(retry(5)))).resolves.toBe('done');

    expect(attempts.map(({ endings }) => endings.map(([kind]) => kind))).toEqual([
      ['error'],
      ['error'],
      ['success'],
    ]);
  });

  it('keeps a Subject what it is and settles at once', () => {
    const observer = new RecordingObserver();
    const state = new BehaviorSubject(1);

    expect(followResult(state, observer)).toBe(state);

    expect(observer.endings).toHaveLength(1);
    expect(state.observed).toBe(false);
  });

  it('keeps the members of a subclass and watches its next subscription', async () => {
    class Feed extends Observable<number> {
      readonly channel = 'prices';
    }
    const feed = new Feed((subscriber) => {
      subscriber.next(1);
      subscriber.complete();
    });
    const observer = new RecordingObserver();

    const followed = followResult(feed, observer);
    expect(followed.channel).toBe('prices');
    await expect(lastValueFrom(followed.pipe(map((n) => n + 1)))).resolves.toBe(2);

    expect(observer.endings).toEqual([['success']]);
    expect(Object.hasOwn(feed, 'subscribe')).toBe(false);
  });

  it('reports a cancellation when an operator downstream takes what it needs', async () => {
    const observer = new RecordingObserver();

    await lastValueFrom(followResult(interval(1), observer).pipe(take(1)));

    expect(observer.endings).toEqual([['cancel']]);
  });
});
