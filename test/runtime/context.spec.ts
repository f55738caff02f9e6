import { EventEmitter } from 'node:events';

import { createContextKey, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { AsyncLocalStorageContextManager } from '../../lib/runtime/async-local-storage-context-manager.js';
import { LinkedContext } from '../../lib/runtime/linked-context.js';

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

describe('LinkedContext', () => {
  const [a, b] = [createContextKey('a'), createContextKey('b')];

  it('gives what was set last, and undefined for what was not', () => {
    const context = LinkedContext.ROOT.setValue(a, 1).setValue(b, 2).setValue(a, 3);
    expect([context.getValue(a), context.getValue(b), context.getValue(createContextKey('c'))]).toEqual([
      3,
      2,
      undefined,
    ]);
  });

  it('leaves the context it came from as it was', () => {
    const first = LinkedContext.ROOT.setValue(a, 1);
    first.setValue(a, 2);
    first.deleteValue(a);
    expect(first.getValue(a)).toBe(1);
    expect(LinkedContext.ROOT.getValue(a)).toBeUndefined();
  });

  it('deletes a value for good, not only its last setting', () => {
    const context = LinkedContext.ROOT.setValue(a, 1).setValue(b, 2).setValue(a, 3).deleteValue(a);
    expect([context.getValue(a), context.getValue(b)]).toEqual([undefined, 2]);
  });

  it('keeps a value set to undefined apart from none only by what the API can see', () => {
    expect(LinkedContext.ROOT.setValue(a, 1).setValue(a, undefined).getValue(a)).toBeUndefined();
  });

  it('keeps every value through a long chain of settings', () => {
    const keys = Array.from({ length: 40 }, (_, index) => createContextKey(`key ${String(index)}`));
    let context = LinkedContext.ROOT.setValue(a, 'kept');
    for (let round = 0; round < 3; round += 1) {
      for (const [index, key] of keys.entries())
        context = context.setValue(key, `${String(round)}.${String(index)}`);
    }
    expect(context.getValue(a)).toBe('kept');
    expect(keys.map((key) => context.getValue(key))).toEqual(keys.map((_, index) => `2.${String(index)}`));
  });

  it('serves the API: a span set in it is found, and removed', () => {
    const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
    const context = trace.setSpan(LinkedContext.ROOT, span);
    expect(trace.getSpan(context)).toBe(span);
    expect(trace.getSpan(trace.deleteSpan(context))).toBeUndefined();
  });
});
