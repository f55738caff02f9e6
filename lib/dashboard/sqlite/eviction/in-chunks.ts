import { type Eviction } from './eviction.js';

/** Does `some` again until it finds less than a chunk, or time is up. Gives how many it found, and whether those were all. */
export function inChunks(
  { isTimeUp }: Eviction,
  size: number,
  some: (limit: number) => number,
): { readonly found: number; readonly isAll: boolean } {
  let found = 0;
  let last: number;
  do {
    last = some(size);
    found += last;
  } while (last === size && !isTimeUp());
  return { found, isAll: last < size };
}
