import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '../../../config/semantic-conventions.constants.js';
import { kindOfKey } from '../../../redaction/sensitive-keys.js';
import { type JsonAttributes, type JsonValue } from '../../reader/answers/answer-parts.interface.js';
import { type SpanAnswer } from '../../reader/answers/traces.interface.js';
import { textOf } from '../../reader/host-of.js';

/** A request as far as it is known. */
export interface RequestParts {
  readonly method: string;
  /** `https://localhost:3000` */
  readonly origin: string;
  /** A path, or the template of a route. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const METHOD = /^[A-Z][A-Z-]{0,30}$/;
const HEADER_PREFIX = 'http.request.header.';
const HEADER_NAME = /^[\w-]{1,100}$/;
const MAX_HEADERS = 30;
const MAX_HEADER = 1_000;
const HOST = /^[\w.:%[\]-]{1,255}$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };
/** Of one connection, or what curl writes by itself; a trace of its own is begun by the next request. */
const LEFT_OUT = new Set(
  'host connection content-length transfer-encoding upgrade keep-alive te trailer expect accept-encoding traceparent tracestate baggage'.split(
    ' ',
  ),
);

/** Whether a route has it as the method of HTTP: messages, runs and calls have other words. */
export const isHttpMethod = (method: string): boolean =>
  METHOD.test(method) && !['RPC', 'CONSUME', 'RUN', 'CALL'].includes(method);

/**
 * The request that a span of a server has answered; undefined where it answered none of HTTP.
 *
 * @param otherwise the origin where the span has none
 */
export function readRequest({ kind, attributes }: SpanAnswer, otherwise: string): RequestParts | undefined {
  const method =
    textOf(attributes, ATTR_HTTP_REQUEST_METHOD_ORIGINAL) ??
    textOf(attributes, ATTR_HTTP_REQUEST_METHOD, 'http.method');
  const path =
    textOf(attributes, ATTR_URL_PATH) ??
    textOf(attributes, 'http.target') ??
    textOf(attributes, ATTR_HTTP_ROUTE);
  const origin = originOf(attributes) ?? otherwise;
  if (kind !== 'server' || method === undefined || path === undefined) return undefined;
  if (!METHOD.test(method) || !path.startsWith('/')) return undefined;
  const query = textOf(attributes, 'url.query');
  return {
    method,
    origin,
    path: query === undefined || path.includes('?') ? path : `${path}?${query}`,
    headers: headersOf(attributes),
  };
}

/** Where the server listened, as the client named it. */
function originOf(attributes: JsonAttributes): string | undefined {
  const host = textOf(attributes, ATTR_SERVER_ADDRESS, 'net.host.name');
  if (host === undefined || !HOST.test(host)) return undefined;
  const scheme = textOf(attributes, ATTR_URL_SCHEME, 'http.scheme') === 'https' ? 'https' : 'http';
  const port = attributes[ATTR_SERVER_PORT] ?? attributes['net.host.port'];
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const isUsual = typeof port !== 'number' || port === DEFAULT_PORTS[scheme];
  return `${scheme}://${name}${isUsual ? '' : `:${port}`}`;
}

/** Those that were recorded, without secrets: whoever wrote the span may have recorded all of them. */
function headersOf(attributes: JsonAttributes): RequestParts['headers'] {
  return Object.entries(attributes)
    .filter(([key]) => key.startsWith(HEADER_PREFIX))
    .map(([key, value]) => [key.slice(HEADER_PREFIX.length), headerText(value)] as const)
    .filter(([name, value]) => isHarmless(name) && value !== '' && value.length <= MAX_HEADER)
    .slice(0, MAX_HEADERS);
}

function isHarmless(name: string): boolean {
  const kind = kindOfKey(name);
  return (
    HEADER_NAME.test(name) && !LEFT_OUT.has(name.toLowerCase()) && kind !== 'secret' && kind !== 'secretText'
  );
}

const headerText = (value: JsonValue): string =>
  (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string').join(', ');

/** The request as a command for a POSIX shell. No text of it can be more than one word there, or an option of curl. */
export function writeCurl({ method, origin, path, headers }: RequestParts): string {
  const url = origin + path;
  const words = ['curl'];
  // Else curl makes several addresses of one with brackets.
  if (/[[\]{}]/.test(url)) words.push('--globoff');
  if (method === 'HEAD') words.push('--head');
  else if (method !== 'GET') words.push('-X', method);
  words.push(quote(url));
  for (const [name, value] of headers) words.push('-H', quote(`${name}: ${value}`));
  return words.join(' ');
}

/** One word of a POSIX shell. A line break would end a header; no word of a shell has a NUL. */
export function quote(text: string): string {
  return `'${text.replaceAll(/\p{Cc}/gu, '').replaceAll("'", `'\\''`)}'`;
}
