import { SHORTEST_SECRET } from './secret-patterns.js';

/**
 * What the characters of a short text say about it, for code that looks at each of them anyway:
 * bits of all of them together tell that nearly all texts hold no secret, without a search.
 */
export const CHARACTER_HINTS = new Uint8Array(128);

/** Between a key and its value. */
const SEPARATOR = 1;
/** In API keys, tokens and card numbers. */
const RARE = 2;
const SPACE = 4;
/** In `Bearer`, `Basic`, `Negotiate` and `ApiKey`. */
const SCHEME = 8;

for (const [characters, hint] of [
  ['=:%', SEPARATOR],
  ['JICG_-.0123456789', RARE],
  [' \t\n\v\f\r', SPACE],
  ['bBgK', SCHEME],
] as const) {
  for (const character of characters) CHARACTER_HINTS[character.charCodeAt(0)] = hint;
}

/**
 * Whether no built-in pattern matches a text.
 *
 * @param hints those of all its characters, which are ASCII
 */
export function areHarmless(hints: number, length: number): boolean {
  if (hints === 0) return true;
  if ((hints & SEPARATOR) !== 0) return false;
  return (
    length < SHORTEST_SECRET || ((hints & RARE) === 0 && (hints & (SPACE | SCHEME)) !== (SPACE | SCHEME))
  );
}
