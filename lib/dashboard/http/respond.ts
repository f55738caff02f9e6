import type { OutgoingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import type { ApiError } from '../api/api.interface.js';
import type { DashboardError } from './dashboard-error.js';
import type { HttpRequest, HttpResponse } from './http-exchange.interface.js';

const nextTurn = promisify(setImmediate);
const gzipped = promisify<Buffer, { readonly level: number }, Buffer>(gzip);
/** Longest time for which writing a large answer blocks the event loop, in milliseconds. */
const TURN_MS = 8;

/** Sent with every answer: no sniffing, no framing, no use by other origins, no referrer. */
export const SECURITY_HEADERS: Readonly<OutgoingHttpHeaders> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** For answers that are not pages, if a browser opens one as a page. */
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

/** Smaller answers fit into a packet or two. */
const COMPRESSED_FROM_BYTES = 1_024;

/**
 * Answers a request with JSON of any size: yields to the event loop while it writes, and compresses it in the thread pool where the
 * client takes gzip.
 */
export async function sendAnswer(
  { headers }: HttpRequest,
  response: HttpResponse,
  value: unknown,
): Promise<void> {
  const body = await writeJson(value);
  const packs = body.length >= COMPRESSED_FROM_BYTES && acceptsGzip(headers['accept-encoding']);
  // Level 3: within 3 % of the size that the default level makes of 1,000 traces, in half its time.
  sendData(response, 200, packs ? await gzipped(body, { level: 3 }) : body, {
    'content-type': 'application/json; charset=utf-8',
    vary: 'accept-encoding',
    ...(packs && { 'content-encoding': 'gzip' }),
  });
}

/** Whether an `Accept-Encoding` has gzip, and not with `q=0`. */
export function acceptsGzip(accepted: string | string[] | undefined): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0+)?(?:,|$))/i.test(String(accepted ?? ''));
}

async function writeJson(value: unknown): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let texts: string[] = [];
  let until = performance.now() + TURN_MS;
  for (const part of jsonPartsOf(value)) {
    texts.push(part);
    if (performance.now() < until) continue;
    chunks.push(Buffer.from(texts.join('')));
    texts = [];
    await nextTurn();
    until = performance.now() + TURN_MS;
  }
  return Buffer.concat([...chunks, Buffer.from(texts.join(''))]);
}

export function sendData(
  response: HttpResponse,
  status: number,
  body: string | Uint8Array,
  head: OutgoingHttpHeaders,
): void {
  writeDataHead(response, status, body, head);
  response.end(body);
}

function writeDataHead(
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
}

export function sendError(response: HttpResponse, error: DashboardError): void {
  response.end(writeErrorHead(response, error));
}

/** Writes the head of the answer to a request that failed, and returns its body. */
export function writeErrorHead(
  response: HttpResponse,
  { status, message, headers, body }: DashboardError,
  more: OutgoingHttpHeaders = {},
): string | Uint8Array {
  const error: ApiError = { error: { status, message } };
  const content = body ?? JSON.stringify(error);
  writeDataHead(response, status, content, {
    'content-type': 'application/json; charset=utf-8',
    ...(status === 401 && { 'www-authenticate': 'Bearer realm="telemetry"' }),
    ...headers,
    ...more,
  });
  return content;
}

/** List elements in one part. */
const GROUP = 50;
/** Deeper values are one part. */
const MAX_DEPTH = 12;

/** The JSON of a value in parts: a list of many thousands, wherever it is, can be written in turns. */
export function* jsonPartsOf(value: unknown, depth = 0): Generator<string> {
  if (depth < MAX_DEPTH && Array.isArray(value)) yield* listPartsOf(value, depth + 1);
  else if (depth < MAX_DEPTH && isPlainObject(value)) {
    let separator = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${separator}${JSON.stringify(key)}:`;
      yield* jsonPartsOf(member, depth + 1);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  } else yield value === undefined ? 'null' : JSON.stringify(value);
}

function* listPartsOf(list: readonly unknown[], depth: number): Generator<string> {
  yield '[';
  // A few may be large themselves.
  if (list.length < GROUP)
    for (const [index, element] of list.entries()) {
      if (index > 0) yield ',';
      yield* jsonPartsOf(element, depth);
    }
  else
    for (let from = 0; from < list.length; from += GROUP) {
      const group = JSON.stringify(list.slice(from, from + GROUP)).slice(1, -1);
      yield from === 0 ? group : `,${group}`;
    }
  yield ']';
}

/** Other instances may define `toJSON()`. */
function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
