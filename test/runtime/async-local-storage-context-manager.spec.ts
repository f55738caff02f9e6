import { EventEmitter } from 'node:events';

import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

import { AsyncLocalStorageContextManager } from '../../lib/runtime/async-local-storage-context-manager.js';

describe('AsyncLocalStorageContextManager', () => {
  const key = createContextKey('test');
  const withValue = (value: string) => ROOT_CONTEXT.setValue(key, value);
  const manager = new AsyncLocalStorageContextManager();
  const current = () => manager.active().getValue(key);

  it('is in an empty context outside any', () => {
    expect(manager.active().getValue(key)).toBeUndefined();
  });

  it('passes this, arguments and the return value through with()', () => {
    const target = { factor: 2 };
    const result = manager.with(
      withValue('a'),
      function (this: typeof target, n: number) {
        return [current(), this.factor * n];
      },
      target,
      21,
    );
    expect(result).toEqual(['a', 42]);
  });

  it('carries the context through timers and promises, apart for each of two that run at once', async () => {
    const later = (value: string) =>
      manager.with(withValue(value), async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return current();
      });
    await expect(Promise.all([later('a'), later('b')])).resolves.toEqual(['a', 'b']);
    expect(current()).toBeUndefined();
  });

  it('binds a function, keeping this and length', () => {
    const bound = manager.bind(withValue('a'), function (this: { n: number }, x: number) {
      return [current(), this.n + x];
    });
    expect(bound.length).toBe(1);
    expect(bound.call({ n: 1 }, 2)).toEqual(['a', 3]);
  });

  it('runs the listeners of a bound emitter in its context, removable and once-only ones too', () => {
    const emitter = manager.bind(withValue('a'), new EventEmitter());
    const seen: unknown[] = [];
    const listener = (): void => {
      seen.push(current());
    };
    emitter.on('x', listener);
    emitter.once('x', listener);
    emitter.emit('x');
    emitter.off('x', listener);
    emitter.emit('x');
    expect(seen).toEqual(['a', 'a']);
  });

  it('attaches until the token is disposed, and nests', () => {
    const outer = manager.attach(withValue('outer'));
    const inner = manager.attach(withValue('inner'));
    expect(current()).toBe('inner');
    inner.dispose();
    inner.dispose();
    expect(current()).toBe('outer');
    outer.dispose();
    expect(current()).toBeUndefined();
  });
});
