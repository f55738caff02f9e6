/** Where a decorator was written: what names a span or labels a metric. */
export interface DecorationSite {
  /** Name of the method as it is called; a symbol is rendered as `[description]`. */
  readonly methodName: string;
  /** Whether the decorator stands on the method itself or on its class. */
  readonly writtenOn: 'method' | 'class';
  /** Name of the class that declares the method, where it is known before the first call. */
  readonly ownerName?: string;
  /**
   * Name of the class that declares the method. `self` is the `this` of a call: a standard (TC39) method decorator
   * learns its class only then.
   */
  className(self: unknown): string;
}

export function describeMethodName(key: string | symbol): string {
  return typeof key === 'symbol' ? `[${key.description ?? 'symbol'}]` : key;
}

/** The class a legacy decorator's `target` belongs to: the constructor itself for a static method. */
export function nameOfClass(target: object): string {
  const owner: unknown = typeof target === 'function' ? target : target.constructor;
  return typeof owner === 'function' && owner.name !== '' ? owner.name : 'anonymous';
}

/** The class on the prototype chain of `self` that owns `method` under `key`, or the class of `self`. */
export function nameOfOwner(self: unknown, key: string | symbol, method: unknown): string {
  if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return 'anonymous';
  for (
    let level: object | null = self;
    level !== null;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    if (Object.getOwnPropertyDescriptor(level, key)?.value === method) return nameOfClass(level);
  }
  return nameOfClass(self);
}
