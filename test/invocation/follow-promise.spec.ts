import { execFile } from 'node:child_process';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import vm from 'node:vm';

import { followResult, invokeAndFollow } from '../../lib/invocation/follow-result.js';
import { RecordingObserver } from './recording-observer.js';

const execFileLater = promisify(execFile);

describe('followResult(plain value)', () => {
  it.each([
    ['a number', 1],
    ['undefined', undefined],
    ['null', null],
    ['a string', 'text'],
    ['an array', [1, 2]],
    ['a map', new Map([[1, 2]])],
    ['a function', () => 1],
    ['a frozen object', Object.freeze({ id: 1 })],
    ['a web stream', new ReadableStream()],
    ['a Response', new Response('x')],
    ['a page of results with a next function', { items: [1], next: () => 1 }],
  ])('settles at once and returns the same value for %s', (_name, value) => {
    const observer = new RecordingObserver();

    expect(followResult<unknown>(value, observer)).toBe(value);

    expect(observer.endings).toEqual([['success', value]]);
  });

  it('returns an object whose members throw when they are read', () => {
    const observer = new RecordingObserver();
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no such member');
        },
      },
    );

    expect(followResult(hostile, observer)).toBe(hostile);

    expect(observer.endings).toHaveLength(1);
  });

  it('returns the result when the observer itself throws', () => {
    const failing = {
      onSuccess: () => {
        throw new Error('broken exporter');
      },
      onError: () => undefined,
    };

    expect(followResult(5, failing)).toBe(5);
  });
});

describe('followResult(promise)', () => {
  it('settles with the value when the promise resolves, not before', async () => {
    const observer = new RecordingObserver();

    const followed = followResult(
      nextTurn().then(() => 7),
      observer,
    );
    expect(observer.endings).toEqual([]);

    await expect(followed).resolves.toBe(7);
    expect(observer.endings).toEqual([['success', 7]]);
  });

  it('settles with the very error the caller receives when the promise rejects', async () => {
    const observer = new RecordingObserver();
    const error = new Error('refused');

    const caught: unknown = await followResult(Promise.reject(error), observer).catch((e: unknown) => e);

    expect(caught).toBe(error);
    expect(observer.endings).toEqual([['error', error]]);
  });

  it('keeps the asynchronous stack frames of the callers', async () => {
    async function deepest(): Promise<void> {
      await nextTurn();
      throw new Error('deep');
    }
    async function frameOfTheCaller(): Promise<void> {
      await followResult(deepest(), new RecordingObserver());
    }

    const error = await frameOfTheCaller().catch((e: unknown) => e as Error);

    expect((error as Error).stack).toContain('frameOfTheCaller');
  });

  it('leaves an unhandled rejection unhandled, and adds none of its own', async () => {
    const fixture = (name: string): string => path.join(__dirname, 'fixtures', name);
    const flags = [
      '--experimental-transform-types',
      '--no-warnings',
      '--import',
      fixture('load-sources.mjs'),
    ];

    const { stdout } = await execFileLater(process.execPath, [...flags, fixture('unhandled-rejection.mjs')]);

    expect(stdout).toBe('unhandled: left alone\n');
  });

  it('returns the same object for a subclass and for a promise with members of its own', async () => {
    class Labelled<T> extends Promise<T> {
      label = 'mine';
    }
    const subclass = Labelled.resolve(1);
    const process = Object.assign(Promise.resolve(2), { pid: 42 });
    const observer = new RecordingObserver();

    expect(followResult(subclass, observer)).toBe(subclass);
    expect(followResult(process, observer)).toBe(process);
    await nextTurn();

    expect(observer.endings).toEqual([
      ['success', 1],
      ['success', 2],
    ]);
  });

  it('follows a promise of another realm', async () => {
    const observer = new RecordingObserver();
    const foreign = vm.runInNewContext('Promise.resolve(3)') as Promise<number>;

    await expect(followResult(foreign, observer)).resolves.toBe(3);

    expect(observer.endings).toEqual([['success', 3]]);
  });
});

describe('invokeAndFollow()', () => {
  it('calls the function inside the context of the call', () => {
    const observer = new RecordingObserver();

    expect(invokeAndFollow(() => observer.inside, observer)).toBe(true);
  });

  it('reports a synchronous throw and rethrows the same object', () => {
    const observer = new RecordingObserver();
    const thrown = new Error('refused');

    let caught: unknown;
    try {
      invokeAndFollow(() => {
        throw thrown;
      }, observer);
    } catch (error) {
      caught = error;
    }

    expect(caught).toBe(thrown);
    expect(observer.endings).toEqual([['error', thrown]]);
  });

  it('reports a cancellation as a success when the observer does not tell them apart', () => {
    const endings: string[] = [];
    const iterator = invokeAndFollow(
      function* () {
        yield 1;
      },
      { onSuccess: () => endings.push('success'), onError: () => endings.push('error') },
    );

    iterator.return();

    expect(endings).toEqual(['success']);
  });
});

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
