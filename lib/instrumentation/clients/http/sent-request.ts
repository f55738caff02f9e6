import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
} from '../../../config/semantic-conventions.constants.js';
import { isTracingSuppressed } from '../../../engine/suppressed-tracing.js';
import { knownHttpMethod, recordHttpClientRequest } from '../../../metrics/http-metrics.js';
import { shouldStartSpan, tracerFor } from '../../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../../tracing/error-policy.js';

/** A request on its way. */
export interface SentRequest {
  /** undefined where the trace is not recorded: then there is a measurement only. */
  readonly span: Span | undefined;
  readonly caller: Context;
  /** What the request carries to the other side: the context of its span, or of its caller. */
  readonly context: Context;
  readonly method: string;
  readonly destination: RequestDestination;
  readonly startedAt: number;
  statusCode?: number;
  protocolVersion?: string;
}

/**
 * Begins the CLIENT span of a request in the active context; undefined when the request must not be
 * recorded, because tracing is suppressed, nothing records, or another instrumentation has made its
 * span already.
 */
export function beginRequest(
  scope: string,
  rawMethod: string,
  destination: RequestDestination,
  path: string,
): SentRequest | undefined {
  const caller = context.active();
  const parent = trace.getSpan(caller);
  if (isTracingSuppressed(caller) || isHttpClientSpan(parent)) return undefined;
  const method = knownHttpMethod(rawMethod);
  const startedAt = performance.now();
  if (!shouldStartSpan()) {
    return parent && { span: undefined, caller, context: caller, method, destination, startedAt };
  }
  const attributes: Attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_URL_FULL]: destination.origin + path,
    [ATTR_SERVER_ADDRESS]: destination.address,
  };
  if (destination.port !== undefined) attributes[ATTR_SERVER_PORT] = destination.port;
  if (method !== rawMethod) attributes[ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = rawMethod;
  const name = method === HTTP_REQUEST_METHOD_VALUE_OTHER ? 'HTTP' : method;
  const span = tracerFor(scope).startSpan(name, { kind: SpanKind.CLIENT, attributes }, caller);
  return { span, caller, context: trace.setSpan(caller, span), method, destination, startedAt };
}

/**
 * OpenTelemetry's own HTTP instrumentation makes its span active while the request is created: that
 * one stays the only one.
 */
function isHttpClientSpan(span: Span | undefined): boolean {
  if (span === undefined || !('kind' in span) || span.kind !== SpanKind.CLIENT) return false;
  const attributes = 'attributes' in span ? (span.attributes as Attributes) : {};
  return (attributes[ATTR_HTTP_REQUEST_METHOD] ?? attributes['http.method']) !== undefined;
}

/**
 * Notes the answer's status: from 400 on an error, for the caller asked for something it did not
 * get.
 */
export function noteResponse(sent: SentRequest, statusCode: number, protocolVersion?: string): void {
  sent.statusCode = statusCode;
  if (protocolVersion !== undefined) sent.protocolVersion = protocolVersion;
  const { span } = sent;
  if (span === undefined) return;
  span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, statusCode);
  if (protocolVersion !== undefined) span.setAttribute(ATTR_NETWORK_PROTOCOL_VERSION, protocolVersion);
  if (statusCode < 400) return;
  span.setAttribute(ATTR_ERROR_TYPE, String(statusCode));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/**
 * Whether an error that came after the head of the answer only says that the caller wanted no more
 * of it.
 */
export function isAbort(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'AbortError' || code === 'UND_ERR_ABORTED';
}

/** Ends a request that the caller gave up after the head of the answer: no failure of it. */
export function cancelRequest(sent: SentRequest): void {
  sent.span?.addEvent('cancelled');
  endRequest(sent);
}

/**
 * Ends the span and measures the request.
 *
 * @param at when it was over, on the clock of `performance.now()`
 */
export function endRequest(sent: SentRequest, error?: unknown, at = performance.now()): void {
  const { span, method, destination, startedAt, statusCode, protocolVersion } = sent;
  if (span !== undefined) {
    if (error !== undefined) recordFailure(span, error, () => true);
    span.end(at);
  }
  recordHttpClientRequest({
    method,
    scheme: destination.scheme,
    serverAddress: destination.address,
    serverPort: destination.port,
    statusCode,
    protocolVersion,
    errorType: error === undefined ? undefined : errorTypeOf(error),
    durationSeconds: (at - startedAt) / 1000,
    context: span === undefined ? sent.context : trace.setSpan(ROOT_CONTEXT, span),
  });
}

/** Where requests go: origin, and what of it becomes an attribute. */
export interface RequestDestination {
  /** `http` or `https`. */
  readonly scheme: string;
  /** Host name or address; the path of the socket for a Unix domain socket. */
  readonly address: string;
  readonly port: number | undefined;
  /** Scheme and authority without credentials, as `url.full` begins. */
  readonly origin: string;
}

const MAX_REMEMBERED = 200;
const remembered = new Map<string, RequestDestination>();

/**
 * Reads an origin such as `https://api.example.com:8443`. Applications talk to few, so they are
 * remembered.
 */
export function destinationOf(origin: string): RequestDestination {
  const known = remembered.get(origin);
  if (known !== undefined) return known;
  const destination = readOrigin(origin);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(origin, destination);
  return destination;
}

function readOrigin(origin: string): RequestDestination {
  const url = URL.parse(origin);
  // A Host header can be anything; the request goes where it goes all the same.
  if (url === null) return { scheme: 'http', address: origin, port: undefined, origin };
  const scheme = url.protocol.slice(0, -1);
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { scheme, address: url.hostname, port, origin: `${url.protocol}//${url.host}` };
}

/** The path without its query: secrets travel there. */
export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}
