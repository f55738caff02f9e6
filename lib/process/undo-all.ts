/** Puts something back as it was; calling it more than once is harmless. */
export type Undo = () => void;

/**
 * Gives one undo for several, the newest first: what was laid over something else comes off before it. What is added to the array
 * later counts as well, until the undo is called.
 */
export function undoAll(undo: (Undo | undefined)[]): Undo {
  return () => {
    for (const each of undo.splice(0).reverse()) each?.();
  };
}
