import { useRef } from 'preact/hooks';

/** One function for as long as the component lives, that does what the latest of those given does. */
export function useStable<Args extends readonly unknown[], Result>(
  latest: (...args: Args) => Result,
): (...args: Args) => Result {
  const held = useRef(latest);
  held.current = latest;
  return useRef((...args: Args): Result => held.current(...args)).current;
}
