/** Whether `value` is an error, also one of another realm (a vm context, a jest sandbox); a proxy that refuses to be looked at is none. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
  } catch {
    // Whatever it is, nothing of it could be written down as an error.
    return false;
  }
}
