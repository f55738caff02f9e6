/** An attribute's value as one piece of text: strings as they are, bytes in base64, all else as JSON. */
export function attributeText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  try {
    return value === undefined ? '' : JSON.stringify(value);
  } catch {
    // Big integers and circular objects have no JSON; an odd text is better than no metrics or spans at all.
    return String(value);
  }
}
