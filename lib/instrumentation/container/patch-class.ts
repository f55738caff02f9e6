import { patchMembers } from '../../invocation/patched-members.js';
import { processWide } from '../../process/process-wide.js';
import { activateInstrumentation } from '../active-instrumentations.js';

/** Makes what stands in for a method of a library, out of the method. */
export type ReplaceMethod = (original: never) => (this: never, ...args: never[]) => unknown;

const numbers = processWide('patched-classes', () => ({ last: 0, of: new WeakMap<object, number>() }));

/**
 * Replaces methods of a library's class, once per process however many applications and copies of this package use it; the
 * undo of the last one restores them. Leaves alone what the class lacks in this version, and what another instrumentation
 * has wrapped before: no call gets two spans. Returns the undo.
 */
export function patchClass(
  name: string,
  prototype: object,
  replacements: Readonly<Record<string, ReplaceMethod>>,
): () => void {
  let number = numbers.of.get(prototype);
  if (number === undefined) {
    number = numbers.last += 1;
    numbers.of.set(prototype, number);
  }
  return activateInstrumentation(`${name}#${number}`, () => {
    const members: Record<string, unknown> = {};
    for (const [method, replace] of Object.entries(replacements)) {
      const original: unknown = Reflect.get(prototype, method);
      if (typeof original !== 'function' || isWrappedByOthers(original)) continue;
      const { name: named, length } = original;
      const replacement = replace(original as never); // the class whose prototype it is has it under that name
      members[method] = Object.defineProperties(replacement, {
        name: { value: named, configurable: true },
        length: { value: length, configurable: true },
      });
    }
    const patched = patchMembers(prototype, members);
    return () => patched?.restore();
  });
}

/** The mark that OpenTelemetry's instrumentations and most agents leave. */
function isWrappedByOthers(method: object): boolean {
  return '__wrapped' in method && method.__wrapped === true;
}
