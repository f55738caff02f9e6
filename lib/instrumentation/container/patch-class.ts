import { type Method, type Patch, patch } from '../../invocation/patch.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { activateInstrumentation } from '../active-instrumentations.js';

/** Makes what stands in for a method of a library, out of the method. */
export type ReplaceMethod = (original: never) => Method;

/**
 * Replaces methods of a library's class, which is listed as active under `name`. However many
 * applications and copies of this package do, the undo of the last one restores them. Methods that
 * the class lacks in this version stay away. Returns the undo.
 */
export function patchClass(
  name: string,
  prototype: object,
  replacements: Readonly<Record<string, ReplaceMethod>>,
): Undo {
  const replace = (original: Method, _state: Patch, method: string): Method =>
    // The class whose method it is has it under that name.
    replacements[method]?.(original as never) ?? original;
  return undoAll([
    activateInstrumentation(name, () => () => undefined),
    patch<Method>(prototype, Object.keys(replacements), replace, { once: true }),
  ]);
}
