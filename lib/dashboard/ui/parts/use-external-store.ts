import { useEffect, useState } from 'preact/hooks';

/** Renders again when a value that lives outside of the tree changes. */
export function useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, read: () => T): T {
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
