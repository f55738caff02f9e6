import { type OutgoingHttpHeaders } from 'node:http';

import { type ApiError } from '../api/api.interface.js';
import { type HttpResponse } from './http-exchange.interface.js';

/** On every answer: nothing may be guessed from it, framed, loaded by others, or told to others. */
export const SECURITY_HEADERS: Readonly<OutgoingHttpHeaders> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** For what is no page, should somebody open it as one. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

export function sendJson(
  response: HttpResponse,
  status: number,
  value: unknown,
  head: OutgoingHttpHeaders = {},
): void {
  sendData(response, status, JSON.stringify(value), {
    'content-type': 'application/json; charset=utf-8',
    ...head,
  });
}

export function sendData(
  response: HttpResponse,
  status: number,
  body: string | Uint8Array,
  head: OutgoingHttpHeaders,
): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-security-policy': NO_PAGE,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    ...head,
  });
  response.end(body);
}

export function sendError(response: HttpResponse, status: number, message: string): void {
  const body: ApiError = { error: { status, message } };
  const head = status === 401 ? { 'www-authenticate': 'Bearer realm="telemetry"' } : {};
  // What was not read of the request would be taken for the next one.
  sendJson(response, status, body, status === 413 ? { ...head, connection: 'close' } : head);
}
