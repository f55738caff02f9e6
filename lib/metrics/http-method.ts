import { HTTP_REQUEST_METHOD_VALUE_OTHER } from '../config/semantic-conventions.constants.js';

/** The methods that the conventions count as known; whatever else a client sends must not become a label. */
const KNOWN_METHODS = new Set([
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'QUERY',
]);

/** The method as a label value: upper case, `_OTHER` when the conventions do not know it. */
export function knownHttpMethod(method: string): string {
  if (KNOWN_METHODS.has(method)) return method;
  const upper = method.toUpperCase();
  return KNOWN_METHODS.has(upper) ? upper : HTTP_REQUEST_METHOD_VALUE_OTHER;
}
