/** Colours of services in the theme, `--series-0` and on. */
export const COLOURS = 10;

/** FNV-1a: short names that differ in a letter should not share a colour. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // The low bits decide below, and they know little of the high ones.
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * The number of the colour for a service that has none yet. Its name alone decides, so that it is the same wherever the page is opened; only
 * where another service has that colour already it is the next one that the fewest have.
 */
export function chooseColour(service: string, given: ReadonlyMap<string, number>): number {
  const uses = new Array<number>(COLOURS).fill(0);
  for (const colour of given.values()) uses[colour] = (uses[colour] ?? 0) + 1;
  const least = Math.min(...uses);
  const wanted = hashOf(service) % COLOURS;
  for (let step = 0; step < COLOURS; step += 1) {
    const colour = (wanted + step) % COLOURS;
    if (uses[colour] === least) return colour;
  }
  return wanted;
}
