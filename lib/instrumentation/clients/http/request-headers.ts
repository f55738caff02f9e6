import { type OutgoingRequest } from './client-request.interface.js';

/** Reads a header that will be sent; undefined when there is none of that name. */
export function readRequestHeader(request: OutgoingRequest, name: string): string | undefined {
  const value = request.getHeader(name);
  if (value !== undefined) return String(value);
  const { _header: head } = request;
  return typeof head === 'string'
    ? new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r$`, 'im').exec(head)?.[1]
    : undefined;
}

/**
 * Adds a header to a request that has just been made. One whose headers were given as a list has its head written already,
 * but not sent: there it is added to the text. Sent at once, and left alone, is the head of a request with
 * `Expect: 100-continue`.
 */
export function setRequestHeader(request: OutgoingRequest, name: string, value: string): void {
  const { _header: head } = request;
  if (typeof head !== 'string') request.setHeader(name, value);
  else if (request._headerSent === false) request._header = `${head.slice(0, -2)}${name}: ${value}\r\n\r\n`;
}
