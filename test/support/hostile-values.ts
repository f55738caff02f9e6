/** A value that an application may pass by accident, and how to make a fresh one. */
export interface HostileValue {
  readonly name: string;
  readonly make: () => unknown;
}

const refuse = (): never => {
  throw new Error('refused');
};

/** A proxy each of whose traps throws. */
export function refusingProxy(target: object = {}): object {
  return new Proxy(
    target,
    Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, refuse])),
  );
}

function revokedProxy(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function nested(levels: number): object {
  let value: object = {};
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
}

function circular(): object {
  const value: Record<string, unknown> = { a: 1 };
  value.self = value;
  value.list = [value];
  return value;
}

function filled(length: number, item: unknown): unknown[] {
  return new Array<unknown>(length).fill(item);
}

function withGetter(key: PropertyKey, on: object = { ok: 'kept' }): object {
  return Object.defineProperty(on, key, { get: refuse, enumerable: true, configurable: true });
}

function errorWithCycle(): Error {
  const error = new Error('cycle');
  error.cause = new Error('cause', { cause: error });
  return error;
}

/** `width` errors, each of `width` errors, … : about `width ** levels` of them. */
export function errorTree(width: number, levels: number): Error {
  if (levels === 0) return new Error('leaf');
  const below = errorTree(width, levels - 1);
  return new AggregateError(
    Array.from({ length: width }, (_, index) => (index === 0 ? below : errorTree(width, levels - 1))),
    `level ${String(levels)}`,
  );
}

class Entity {
  #hidden = 1;
  id = 7n;
  owner: unknown = this;
  get hidden(): number {
    return this.#hidden;
  }
}

const values: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  'a BigInt': () => 5n,
  'a huge BigInt': () => 1n << 100_000n,
  'a symbol': () => Symbol('order'),
  'a symbol without description': () => Symbol(),
  NaN: () => Number.NaN,
  Infinity: () => Infinity,
  'negative zero': () => -0,
  'an empty text': () => '',
  'a text of 300 kB': () => 'x'.repeat(300_000),
  'lone surrogates': () => '\ud800\udfff\udc00',
  'NUL and control characters': () => '\u0000\u001b[31m\u2028',
  'a function': () => () => 1,
  'an async function that rejects': () => () => Promise.reject(new Error('refused')).catch(() => 1),
  'a class': () => Entity,
  'a proxy whose traps throw': () => refusingProxy(),
  'a function proxy whose traps throw': () => refusingProxy(() => 1),
  'an array proxy whose traps throw': () => refusingProxy([]),
  'a revoked proxy': () => revokedProxy({}),
  'a revoked array proxy': () => revokedProxy([]),
  'a getter that throws': () => withGetter('bad'),
  'a frozen object whose getter throws': () => Object.freeze(withGetter('bad')),
  'toJSON that throws': () => ({ toJSON: refuse }),
  'toString that throws': () => ({ toString: refuse }),
  'Symbol.toPrimitive that throws': () => ({ [Symbol.toPrimitive]: refuse }),
  'valueOf that throws': () => ({ valueOf: refuse }),
  'a constructor that throws': () => withGetter('constructor'),
  'Symbol.toStringTag that throws': () => withGetter(Symbol.toStringTag),
  'Symbol.iterator that throws': () => ({ [Symbol.iterator]: refuse, length: 3 }),
  'a thenable whose then throws': () => withGetter('then'),
  circular,
  'a circular array': () => {
    const list: unknown[] = [];
    list.push(list);
    return list;
  },
  'a frozen circular object': () => Object.freeze(circular()),
  'a frozen object': () => Object.freeze({ a: 1n, b: Symbol('b') }),
  'a null prototype': () => Object.assign(Object.create(null) as object, { a: 1n }),
  'an own __proto__': () =>
    JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}') as unknown,
  '5,000 keys': () => Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index])),
  '100,000 levels': () => nested(100_000),
  // 250,000 numbers; the branches are the same, because this is made for every call under test.
  'a wide tree': () => filled(100, filled(50, filled(50, 1))),
  'a sparse array': () => {
    const list: unknown[] = [];
    list[4_000_000_000] = 1;
    return list;
  },
  'a typed array': () => new Float64Array([1, Number.NaN]),
  'a big buffer': () => Buffer.alloc(200_000),
  'a detached array buffer': () => {
    const buffer = new ArrayBuffer(8);
    const view = new Uint8Array(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    return view;
  },
  'a Map': () =>
    new Map<unknown, unknown>([
      [Symbol('k'), 1n],
      [{}, new Map()],
    ]),
  'a Set': () => new Set([1n, Symbol('s')]),
  'a WeakMap': () => new WeakMap(),
  'a date': () => new Date(0),
  'an invalid date': () => new Date(Number.NaN),
  'a regular expression': () => /x/g,
  'a class instance': () => new Entity(),
  'a boxed text': () => new String('boxed'),
  'a promise that rejects': () => {
    const promise = Promise.reject(new Error('refused'));
    promise.catch(() => undefined);
    return promise;
  },
  'an error': () => new Error('plain'),
  'an error whose message throws': () => withGetter('message', new Error('hidden')),
  'an error whose stack throws': () => withGetter('stack', new Error('hidden')),
  'an error whose cause throws': () => withGetter('cause', new Error('hidden')),
  'an error whose name throws': () => withGetter('name', new Error('hidden')),
  'an error whose constructor throws': () => withGetter('constructor', new Error('hidden')),
  'an error whose code throws': () => withGetter('code', new Error('hidden')),
  'an error whose message is a symbol': () =>
    Object.assign(new Error('x'), { message: Symbol('m'), name: 5n, stack: {} }),
  'an error that caused itself': errorWithCycle,
  'an error whose getStatus throws': () => Object.assign(new Error('x'), { getStatus: refuse }),
  'an error proxy': () => refusingProxy(new Error('hidden')),
  'a frozen error': () => Object.freeze(new Error('frozen')),
  'a tree of 1,111 errors': () => errorTree(10, 3),
};

export const HOSTILE_VALUES: readonly HostileValue[] = Object.entries(values).map(([name, make]) => ({
  name,
  make,
}));
