import { type AnyMethod } from '../../invocation/wrap-method.js';

/** Puts something back as it was; calling it more than once is harmless. */
export type Undo = () => void;

/**
 * Replaces the method `name` on `target` itself, be it an instance or a prototype, by what `make` returns; nothing
 * happens where there is no such method. The undo takes it off again, unless somebody has replaced ours since.
 */
export function overrideMethod(target: object, name: string, make: (original: AnyMethod) => AnyMethod): Undo {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== 'function') return () => undefined;
  const before = Object.getOwnPropertyDescriptor(target, name);
  const replacement = make(original as AnyMethod);
  Object.defineProperty(target, name, {
    value: replacement,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  return () => {
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== replacement) return;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}

/** Calls every undo, the last one first, and forgets them. */
export function undoAll(undo: Undo[]): void {
  for (const restore of undo.splice(0).reverse()) restore();
}
