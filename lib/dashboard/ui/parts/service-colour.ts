import { chooseColour, COLOURS } from './choose-colour.js';
import { keep, readKept } from './kept.js';

const KEY = 'telemetry-service-colours';
/** Names of services that were renamed long ago should not hold colours for ever. */
const MOST = 100;

/** Services and the numbers of their colours, the first met first. */
const given = new Map(readGiven());

function readGiven(): (readonly [string, number])[] {
  try {
    const kept = JSON.parse(readKept(KEY) ?? '[]') as unknown;
    return Array.isArray(kept) ? kept.filter(isGiven) : [];
  } catch {
    // Not what was written here; the names decide anew.
    return [];
  }
}

function isGiven(entry: unknown): entry is readonly [string, number] {
  if (!Array.isArray(entry)) return false;
  const [service, colour] = entry as readonly unknown[];
  return (
    typeof service === 'string' && Number.isInteger(colour) && Number(colour) >= 0 && Number(colour) < COLOURS
  );
}

/** A class that sets `--service` to the colour of a service: the same in every view, and the next time. */
export function serviceClass(service: string): string {
  let colour = given.get(service);
  if (colour === undefined) {
    colour = chooseColour(service, given);
    given.set(service, colour);
    for (const oldest of given.keys()) {
      if (given.size <= MOST) break;
      given.delete(oldest);
    }
    keep(KEY, JSON.stringify([...given]));
  }
  return `service-${colour}`;
}

/** Whether this browser has met services before. */
export const knowsServices = (): boolean => given.size > 0;

/** Gives colours to all of them together, by name: where two want the same, every browser then decides alike. */
export function meetServices(services: readonly string[]): void {
  for (const service of [...services].sort()) serviceClass(service);
}
