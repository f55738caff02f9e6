/**
 * Returns a function that puts our methods between an object and its class, and returns the object:
 * `instanceof` and its fields stay. Done twice, it changes nothing.
 *
 * @param methodsOf makes the methods for a class; they call those of `base` for what is fine
 */
export function createOverlay<T extends object>(
  methodsOf: (base: T) => Partial<T> & ThisType<T>,
): (target: T) => T {
  /** By the prototype below: one for each class of the SDK, in each copy of it. */
  const overlays = new WeakMap<object, object>();
  const made = new WeakSet();
  return (target) => {
    const base = Object.getPrototypeOf(target) as T & object;
    if (made.has(base)) return target;
    let overlay = overlays.get(base);
    if (overlay === undefined) {
      overlay = Object.assign(Object.create(base) as object, methodsOf(base));
      overlays.set(base, overlay);
      made.add(overlay);
    }
    return Object.setPrototypeOf(target, overlay) as T;
  };
}
