/** Longer texts are not remembered. */
export const LONGEST_CLEAN = 256;

const SLOTS = 1_024;

/**
 * Texts that were searched and hold no secret: names, messages, routes and user agents come with
 * every request. A text takes the place of another one with the same sign, so that looking one up
 * costs a few comparisons, and texts that never come again cost as little.
 */
export class CleanTexts {
  private readonly slots = Array.from({ length: SLOTS }, () => '');

  has(text: string): boolean {
    return this.slots[signOf(text)] === text;
  }

  add(text: string): void {
    if (text.length <= LONGEST_CLEAN) this.slots[signOf(text)] = text;
  }
}

/** A number below `SLOTS`, without looking at the whole text as a hash would. */
function signOf(text: string): number {
  const last = text.length - 1;
  const sign = text.charCodeAt(0) * 31 + text.charCodeAt(text.length >> 1) * 7 + text.charCodeAt(last) * 3;
  return (sign + last * 13) & (SLOTS - 1);
}
