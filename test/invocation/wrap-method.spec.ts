import 'reflect-metadata';

import { type AnyMethod, isMarked, wrapMethod } from '../../lib/invocation/wrap-method.js';

const MARKER = Symbol('test');

const passThrough = (original: AnyMethod): AnyMethod =>
  function (this: unknown, ...args) {
    return original.apply(this, args);
  };

describe('wrapMethod()', () => {
  it('keeps name and length', () => {
    const wrapped = wrapMethod(
      function process(id: unknown, options: unknown) {
        return [id, options];
      },
      passThrough,
      MARKER,
    );

    expect([wrapped.name, wrapped.length]).toEqual(['process', 2]);
  });

  it('passes this and all arguments', () => {
    const received: unknown[] = [];
    const wrapped = wrapMethod(
      function (this: unknown, ...args: unknown[]) {
        received.push(this, ...args);
      },
      passThrough,
      MARKER,
    );
    const self = {};

    wrapped.call(self, 1, 2, 3);

    expect(received[0]).toBe(self);
    expect(received.slice(1)).toEqual([1, 2, 3]);
  });

  it('keeps own properties, symbols and flags included', () => {
    const key = Symbol('own');
    const original: AnyMethod = () => 1;
    Object.assign(original, { plain: 1 });
    Object.defineProperty(original, key, { value: 2, enumerable: false });

    const wrapped = wrapMethod(original, passThrough, MARKER);

    expect(Object.getOwnPropertyDescriptor(wrapped, 'plain')).toMatchObject({ value: 1, enumerable: true });
    expect(Object.getOwnPropertyDescriptor(wrapped, key)).toMatchObject({ value: 2, enumerable: false });
  });

  it('keeps every Reflect metadata key', () => {
    const original: AnyMethod = () => 1;
    const key = Symbol('key');
    Reflect.defineMetadata('roles', ['admin'], original);
    Reflect.defineMetadata(key, 5, original);

    const wrapped = wrapMethod(original, passThrough, MARKER);

    expect(Reflect.getOwnMetadata('roles', wrapped)).toEqual(['admin']);
    expect(Reflect.getOwnMetadata(key, wrapped)).toBe(5);
  });

  it('returns the function itself when it carries the marker already', () => {
    const once = wrapMethod(() => 1, passThrough, MARKER);

    expect(wrapMethod(once, passThrough, MARKER)).toBe(once);
  });

  it('remembers the markers of all the wrappers below it', () => {
    const other = Symbol('other');
    const both = wrapMethod(
      wrapMethod(() => 1, passThrough, MARKER),
      passThrough,
      other,
    );

    expect([isMarked(both, MARKER), isMarked(both, other), isMarked(both, Symbol('third'))]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
