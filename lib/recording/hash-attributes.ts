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

/** Whether neither the record nor what is in it can change. */
function isConstant(attributes: object): boolean {
  return (
    Object.isFrozen(attributes) &&
    Object.values(attributes).every((value) => typeof value !== 'object' || value === null)
  );
}
