import { setImmediate as nextTurn } from 'node:timers/promises';

import { followResult } from '../../lib/invocation/follow-result.js';
import { RecordingObserver } from './recording-observer.js';

/** A query builder as knex and mongoose have it: each `then` runs the query. */
class Query implements PromiseLike<string[]> {
  runs = 0;
  ranInside: boolean | undefined;
  private failure: Error | undefined;

  constructor(private readonly observer?: RecordingObserver) {}

  failWith(error: Error): this {
    this.failure = error;
    return this;
  }

  where(): this {
    return this;
  }

  then<A = string[], B = never>(
    onFulfilled?: ((rows: string[]) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.runs += 1;
    this.ranInside = this.observer?.inside;
    const answer = this.failure === undefined ? Promise.resolve(['row']) : Promise.reject(this.failure);
    return answer.then(onFulfilled, onRejected);
  }
}

describe('followResult(query builder)', () => {
  it('runs nothing until the caller awaits, then settles with the rows of one run inside the call', async () => {
    const observer = new RecordingObserver();
    const query = new Query(observer);

    const followed = followResult(query, observer);
    await nextTurn();
    expect(followed).toBe(query);
    expect(query.runs).toBe(0);
    expect(observer.endings).toEqual([]);

    await expect(followed.where()).resolves.toEqual(['row']);

    expect(query.runs).toBe(1);
    expect(query.ranInside).toBe(true);
    expect(observer.endings).toEqual([['success', ['row']]]);
  });

  it('settles with the error and rejects with the same object when the query fails', async () => {
    const observer = new RecordingObserver();
    const error = new Error('syntax');
    const query = followResult(new Query().failWith(error), observer);

    const caught: unknown = await (async () => query)().catch((e: unknown) => e);

    expect(caught).toBe(error);
    expect(observer.endings).toEqual([['error', error]]);
  });

  it('settles once when the query is awaited twice, and takes its patch off again', async () => {
    const observer = new RecordingObserver();
    const query = followResult(new Query(), observer);

    await query;
    await query;

    expect(query.runs).toBe(2);
    expect(observer.endings).toHaveLength(1);
    expect(Object.hasOwn(query, 'then')).toBe(false);
  });

  it('settles through catch() and finally() of thenables that bypass their then, as those of Prisma do', async () => {
    const observer = new RecordingObserver();
    const work = (): Promise<number> => Promise.resolve(4);
    const prisma = {
      then: (...reactions: Parameters<Promise<number>['then']>) => work().then(...reactions),
      catch: (...reactions: Parameters<Promise<number>['catch']>) => work().catch(...reactions),
      finally: (...reactions: Parameters<Promise<number>['finally']>) => work().finally(...reactions),
    };

    await expect(followResult(prisma, observer).catch(() => 0)).resolves.toBe(4);
    await expect(followResult(prisma, observer).finally(() => undefined)).resolves.toBe(4);

    expect(observer.endings).toEqual([
      ['success', 4],
      ['success', 4],
    ]);
  });

  it('does not start a lazy subclass of Promise', async () => {
    let started = 0;
    class Lazy extends Promise<string> {
      static override get [Symbol.species](): PromiseConstructor {
        return Promise;
      }

      override then<A = string, B = never>(
        onFulfilled?: ((value: string) => A | PromiseLike<A>) | null,
        onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
      ): Promise<A | B> {
        started += 1;
        return super.then(onFulfilled, onRejected);
      }
    }
    const observer = new RecordingObserver();
    const lazy = followResult(
      new Lazy((resolve) => {
        resolve('late');
      }),
      observer,
    );

    await nextTurn();
    expect([started, observer.endings.length]).toEqual([0, 0]);

    await expect(lazy).resolves.toBe('late');
    expect([started, observer.endings.length]).toEqual([1, 1]);
  });

  it('settles at once when the thenable is frozen', () => {
    const observer = new RecordingObserver();
    followResult(Object.freeze({ then: () => undefined }), observer);

    expect(observer.endings).toHaveLength(1);
  });
});
