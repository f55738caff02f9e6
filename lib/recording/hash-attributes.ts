/** By the identity of the attributes; only of frozen ones whose values cannot change either. */
const hashes = new WeakMap<object, string>();

/**
 * A text that is the same for the same attributes, whatever their order: the one by which the metrics SDK tells series apart.
 * Made once for a frozen record.
 */
export function hashAttributes(attributes: object): string {
  const known = hashes.get(attributes);
  if (known !== undefined) return known;
  const values = attributes as Readonly<Record<string, unknown>>;
  const keys = Object.keys(attributes).sort();
  const hash = keys.length === 0 ? '' : JSON.stringify(keys.map((key) => [key, values[key]]));
  if (isConstant(attributes)) hashes.set(attributes, hash);
  return hash;
}

/** The attributes whose series was looked for last, until their exemplar is kept: they may change at any time after. */
let measured: object | undefined;
let measuredHash = '';

/** The same, where the series of a measurement is looked for. */
export function hashMeasured(attributes: object): string {
  measuredHash = hashAttributes(attributes);
  measured = attributes;
  return measuredHash;
}

/** The same once more, right after the measurement was added to its series. */
export function hashMeasuredAgain(attributes: object): string {
  const hash = attributes === measured ? measuredHash : hashAttributes(attributes);
  measured = undefined;
  return hash;
}

/** Whether neither the record nor what is in it can change. */
function isConstant(attributes: object): boolean {
  return (
    Object.isFrozen(attributes) &&
    Object.values(attributes).every((value) => typeof value !== 'object' || value === null)
  );
}
