/** The value of an attribute as text: strings unchanged, bytes in base64, all others as JSON. */
export function attributeText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  try {
    return value === undefined ? '' : JSON.stringify(value);
  } catch {
    // BigInts and circular objects have no JSON; the metric or span must not be lost.
    return String(value);
  }
}
