import { Component, type FunctionComponent, h } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Those who want to know when a value outside of the tree changes. */
interface Listeners {
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

function differs(a: object, b: object): boolean {
  const before = Object.entries(a);
  const after = new Map(Object.entries(b));
  return before.length !== after.size || before.some(([key, value]) => after.get(key) !== value);
}

/** A component that renders again only when one of its properties is another one: for rows, of which many stay as they are. */
export function memo<Props extends object>(render: FunctionComponent<Props>) {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      return differs(this.props, next);
    }

    override render() {
      return h(render, this.props);
    }
  };
}

/** One function for as long as the component lives, that does what the latest of those given does. */
export function useStable<Args extends readonly unknown[], Result>(
  latest: (...args: Args) => Result,
): (...args: Args) => Result {
  const held = useRef(latest);
  held.current = latest;
  return useRef((...args: Args): Result => held.current(...args)).current;
}
