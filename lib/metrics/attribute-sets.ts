import { type Attributes } from '@opentelemetry/api';

const MAX_SETS = 2000;

/**
 * Returns a function that makes each set of attributes once and gives the same frozen object again. Holds 2,000 sets,
 * the number of series the SDK keeps per instrument; what comes after is made anew each time.
 */
export function createAttributeSets(): (key: string, make: () => Attributes) => Attributes {
  const sets = new Map<string, Attributes>();
  return (key, make) => {
    const known = sets.get(key);
    if (known !== undefined) return known;
    const made = Object.freeze(make());
    if (sets.size < MAX_SETS) sets.set(key, made);
    return made;
  };
}
