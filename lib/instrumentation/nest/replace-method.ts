/**
 * Replaces a method of one of NestJS's prototypes by what `wrap` makes of it; returns the undo, which leaves alone what
 * somebody has put over it meanwhile. A method that this version of NestJS does not have stays away.
 */
export function replaceMethod<T extends object, K extends keyof T & string>(
  prototype: T,
  name: K,
  wrap: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  if (typeof original !== 'function') return () => undefined;
  const replacement = wrap(original);
  Object.defineProperties(replacement, { name: { value: name }, length: { value: original.length } });
  const inherited = !Object.hasOwn(prototype, name);
  prototype[name] = replacement;
  return () => {
    if (prototype[name] !== replacement) return;
    if (inherited) Reflect.deleteProperty(prototype, name);
    else prototype[name] = original;
  };
}
