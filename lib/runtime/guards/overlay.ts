/** Overlays by the prototype below them: one for each class of the SDK, whichever copy of it that is. */
type Overlays = WeakMap<object, object>;

/**
 * Puts methods of ours between an object and its class, and returns the same object: `instanceof` and its fields stay
 * what they are, and objects of another provider are left alone. Done twice, it changes nothing.
 *
 * @param methodsOf makes the methods for a class; they call those of `base` for what is fine
 */
export function createOverlay<T extends object>(
  methodsOf: (base: T) => Partial<T> & ThisType<T>,
): (target: T) => T {
  const overlays: Overlays = new WeakMap();
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
