import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';

import { StreamableFile } from '@nestjs/common';

import { followResult } from '../../lib/invocation/follow-result.js';
import { RecordingObserver } from './recording-observer.js';

function* count(observer?: RecordingObserver, failure?: Error): Generator<number, string, unknown> {
  yield 1;
  if (observer?.inside === false) throw new Error('the step ran outside the call');
  if (failure !== undefined) throw failure;
  yield 2;
  return 'end';
}

async function* countLater(failure?: Error): AsyncGenerator<number> {
  yield 1;
  if (failure !== undefined) throw failure;
  yield 2;
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe('followResult(generator)', () => {
  it('settles when it is exhausted, with each step inside the call, on the same object', () => {
    const observer = new RecordingObserver();
    const generator = count(observer);

    const followed = followResult(generator, observer);
    expect(followed).toBe(generator);
    expect(observer.endings).toEqual([]);

    expect([...followed]).toEqual([1, 2]);
    expect(observer.steps).toBe(3);
    expect(observer.endings).toEqual([['success']]);
    expect(Object.hasOwn(generator, 'next')).toBe(false);
  });

  it('settles with the very error a step throws', () => {
    const observer = new RecordingObserver();
    const error = new Error('broken');

    expect(() => [...followResult(count(undefined, error), observer)]).toThrow(error);

    expect(observer.endings).toEqual([['error', error]]);
  });

  it('reports a cancellation when the loop is left', () => {
    const observer = new RecordingObserver();

    for (const item of followResult(count(), observer)) if (item === 1) break;

    expect(observer.endings).toEqual([['cancel']]);
  });

  it('goes on when the generator handles what is thrown into it', () => {
    const observer = new RecordingObserver();
    const generator = followResult(
      (function* () {
        try {
          yield 1;
        } catch {
          yield 2;
        }
      })(),
      observer,
    );

    generator.next();
    expect(generator.throw(new Error('handled'))).toEqual({ done: false, value: 2 });
    expect(observer.endings).toEqual([]);
    generator.next();

    expect(observer.endings).toEqual([['success']]);
  });
});

describe('followResult(async generator)', () => {
  it('settles when it is exhausted', async () => {
    const observer = new RecordingObserver();

    await expect(collect(followResult(countLater(), observer))).resolves.toEqual([1, 2]);

    expect(observer.endings).toEqual([['success']]);
  });

  it('settles with the very error a step rejects with', async () => {
    const observer = new RecordingObserver();
    const error = new Error('broken');

    const caught: unknown = await collect(followResult(countLater(error), observer)).catch((e: unknown) => e);

    expect(caught).toBe(error);
    expect(observer.endings).toEqual([['error', error]]);
  });

  it('reports a cancellation when the loop is left', async () => {
    const observer = new RecordingObserver();

    for await (const item of followResult(countLater(), observer)) if (item === 1) break;

    expect(observer.endings).toEqual([['cancel']]);
  });
});

describe('followResult(iterator)', () => {
  it('settles when a hand-written iterator is done', () => {
    const observer = new RecordingObserver();
    let left = 2;
    const iterator = followResult({ next: () => ({ done: left-- === 0, value: left }) }, observer);

    while (!iterator.next().done);

    expect(observer.endings).toEqual([['success']]);
  });

  it('reports a cancellation when a loop leaves an iterator that has no return()', () => {
    const observer = new RecordingObserver();

    for (const value of followResult(new Set([1, 2]).values(), observer)) if (value === 1) break;

    expect(observer.endings).toEqual([['cancel']]);
  });

  it('settles at the first step of a cursor whose next() returns rows instead of iterator results', async () => {
    const observer = new RecordingObserver();
    const cursor = {
      async next() {
        return { id: 1 };
      },
      async *[Symbol.asyncIterator]() {
        yield await this.next();
      },
    };

    await expect(followResult(cursor, observer).next()).resolves.toEqual({ id: 1 });

    expect(observer.endings).toEqual([['success']]);
  });
});

describe('followResult(stream)', () => {
  it('settles when the stream has been read to its end', async () => {
    const observer = new RecordingObserver();
    const stream = Readable.from(['a', 'b']);

    expect(followResult(stream, observer)).toBe(stream);
    expect(observer.endings).toEqual([]);
    stream.resume();
    await once(stream, 'close');

    expect(observer.endings).toEqual([['success']]);
  });

  it('settles with the very error the stream is destroyed with', async () => {
    const observer = new RecordingObserver();
    const error = new Error('disk');
    const stream = followResult(new PassThrough(), observer);

    stream.destroy(error);
    await expect(once(stream, 'close')).rejects.toBe(error);

    expect(observer.endings).toEqual([['error', error]]);
  });

  it('reports a cancellation when the stream is destroyed before its end', async () => {
    const observer = new RecordingObserver();
    const stream = followResult(new PassThrough(), observer);

    stream.destroy();
    await once(stream, 'close');

    expect(observer.endings).toEqual([['cancel']]);
  });

  it('adds no error listener, so that an error without a listener stays uncaught', () => {
    const stream = followResult(new PassThrough(), new RecordingObserver());

    expect(stream.listenerCount('error')).toBe(0);
  });

  it('follows the stream inside a StreamableFile', async () => {
    const observer = new RecordingObserver();
    const file = new StreamableFile(Readable.from(['a']));

    expect(followResult(file, observer)).toBe(file);
    expect(observer.endings).toEqual([]);
    file.getStream().resume();
    await once(file.getStream(), 'close');

    expect(observer.endings).toEqual([['success']]);
  });
});
