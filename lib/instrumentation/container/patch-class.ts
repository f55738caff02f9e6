import { type Undo, undoAll } from '../../process/undo-all.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import { patchCalls, type RecordCall } from '../patch-calls.js';
import { type ContainerClass, findPrototype } from './container-classes.js';

/** A class of a library that is never imported, and how calls of its methods are recorded. */
export interface LibraryClass {
  /** By which it is listed as active. */
  readonly name: string;
  /** The class is the one that has all of these methods. */
  readonly knownBy: readonly string[];
  /** Methods that the class lacks in this version stay away. */
  readonly calls: Readonly<Record<string, RecordCall<unknown>>>;
}

/**
 * Has the calls of a class recorded if it is one of `libraries`, or extends one; undefined where it
 * is none. However many applications and copies of this package do, the undo of the last one restores
 * the methods.
 */
export function patchClass(candidate: ContainerClass, libraries: readonly LibraryClass[]): Undo | undefined {
  for (const { name, knownBy, calls } of libraries) {
    const prototype = findPrototype(candidate, knownBy);
    if (prototype === undefined) continue;
    return undoAll([
      activateInstrumentation(name, () => () => undefined),
      ...Object.entries(calls).map(([method, record]) => patchCalls(prototype, method, record)),
    ]);
  }
  return undefined;
}
