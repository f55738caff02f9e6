/** Longer texts are not remembered. */
export const LONGEST_CLEAN = 256;

const SLOTS = 1_024;

/**
 * Texts that were searched and hold no secret: names, messages, routes and user agents come with
 * every request. A text takes the place of another one with the same sign, so that looking one up
 * costs a few comparisons, and texts that never come again cost as little.
 */
export class CleanTexts {
  private readonly slots = new Array<string>(SLOTS).fill('');

  has(text: string): boolean {
    return this.slots[signOf(text)] === text;
  }

  add(text: string): void {
    if (text.length <= LONGEST_CLEAN) this.slots[signOf(text)] = text;
  }
}

/** A number below `SLOTS`, made of eight characters: texts that are alike differ near their end, as a rule. */
function signOf(text: string): number {
  const { length } = text;
  let sign = length;
  for (let back = 1; back <= 4; back += 1) sign = mix(sign, text.charCodeAt(length - back));
  for (let part = 0; part <= 3; part += 1) sign = mix(sign, text.charCodeAt((length * part) >> 2));
  return (sign ^ (sign >>> 10)) & (SLOTS - 1);
}

function mix(sign: number, code: number): number {
  return (Math.imul(sign, 31) + code) | 0;
}
