/** Restores something; calling it more than once is harmless. */
export type Undo = () => void;

/** Returns one undo for several, the newest first. The array may grow until it is called. */
export function undoAll(undo: (Undo | undefined)[]): Undo {
  return () => {
    for (const each of undo.splice(0).reverse()) each?.();
  };
}
