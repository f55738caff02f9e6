/** Anything `new` can be called on. */
export type ContainerClass = abstract new (...args: never[]) => object;

/** The prototypes from a class's own up to, but without, `Object.prototype`. */
export function* prototypesOf(start: ContainerClass): Generator<object> {
  let prototype = start.prototype as object | null | undefined;
  while (prototype !== null && prototype !== undefined && prototype !== Object.prototype) {
    yield prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}

/**
 * The prototype by which a library's class is recognised: the uppermost one of `start` with methods
 * of all these names. A subclass that overrides them calls this one in the end.
 */
export function findPrototype(start: ContainerClass, methods: readonly string[]): object | undefined {
  // Nearly all classes are others: each is asked for by every library when an application starts.
  const lowest: unknown = start.prototype; // of an instance's own `constructor`, which may be anything
  if (typeof lowest === 'object' && lowest !== null && !methods.every((method) => method in lowest))
    return undefined;
  return [...prototypesOf(start)].findLast((prototype) =>
    methods.every(
      (method) => typeof Object.getOwnPropertyDescriptor(prototype, method)?.value === 'function',
    ),
  );
}

/** Whether instances can be made of it, whatever it is otherwise. */
export function isClass(value: unknown): value is ContainerClass {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}
