import { useEffect, useState } from 'preact/hooks';

/** Those who want to know when a value outside of the tree changes. */
export interface Listeners {
  readonly subscribe: (listener: () => void) => () => void;
  readonly tell: () => void;
}

export function createListeners(): Listeners {
  const listeners = new Set<() => void>();
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: () => {
      for (const listener of listeners) listener();
    },
  };
}

/** Renders again when a value that lives outside of the tree changes. */
export function useSyncExternalStore<T>(subscribe: Listeners['subscribe'], read: () => T): T {
  const [value, setValue] = useState(read);
  useEffect(() => {
    const update = (): void => {
      setValue(read);
    };
    update();
    return subscribe(update);
  }, [subscribe]);
  return value;
}
