/** Whether `value` is an error, also of another realm (a vm context, a jest sandbox); false for a proxy that throws. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
  } catch {
    // No part of it could be recorded as an error.
    return false;
  }
}
