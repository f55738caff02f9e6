import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';

import {
  type Attributes,
  type Context,
  createContextKey,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_URL_PATH,
  ATTR_USER_AGENT_ORIGINAL,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
} from '../../config/semantic-conventions.constants.js';
import { tracerFor } from '../../runtime/tracers.js';
import { messageOf } from '../../tracing/error-policy.js';
import { type Forwarded } from './http-framework.js';
import { requestFailureOf } from './request-failures.js';
import { type RouteRecord } from './request-record.js';

const SCOPE = 'nestjs-telemetry/http-server';

/** The key of `@opentelemetry/core`, the same symbol in all copies; the package is only loaded with the SDK. */
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

interface AttributeTarget {
  setAttribute(key: string, value: string): unknown;
}

interface ServerSpanStart {
  readonly raw: IncomingMessage;
  readonly path: string;
  readonly host: string | undefined;
  readonly forwarded: Forwarded | undefined;
  /** Whether all attributes must be there when a sampler decides. */
  readonly describesAtStart: boolean;
  /** To a caller that is not the parent. */
  readonly links: Link[] | undefined;
}

/** Starts the SERVER span of a request of that route. */
export function startServerSpan(route: RouteRecord, start: ServerSpanStart, parent: Context): Span {
  const options = route.spanStart(start.host);
  const tracer = tracerFor(SCOPE);
  if (start.describesAtStart) {
    const attributes: Attributes = { ...options.attributes };
    describeRequest(start, { setAttribute: (key, value) => (attributes[key] = value) });
    return tracer.startSpan(
      route.spanName,
      { kind: SpanKind.SERVER, attributes, ...(start.links !== undefined && { links: start.links }) },
      parent,
    );
  }
  const span = tracer.startSpan(
    route.spanName,
    start.links === undefined ? options : { ...options, links: start.links },
    parent,
  );
  if (span.isRecording()) describeRequest(start, span);
  return span;
}

/** What differs between requests of a route; not `url.query`, which may have secrets. */
function describeRequest({ raw, path, forwarded }: ServerSpanStart, target: AttributeTarget): void {
  target.setAttribute(ATTR_URL_PATH, path);
  const peer = peerOf(raw);
  const client = forwarded?.client ?? peer;
  if (client !== undefined) target.setAttribute(ATTR_CLIENT_ADDRESS, client);
  // Behind a proxy the client is not the peer of the connection.
  if (forwarded !== undefined && peer !== undefined) target.setAttribute(ATTR_NETWORK_PEER_ADDRESS, peer);
  const userAgent = raw.headers['user-agent'];
  if (userAgent !== undefined) target.setAttribute(ATTR_USER_AGENT_ORIGINAL, userAgent);
}

/** How a request ended. */
interface Outcome {
  readonly statusCode: number | undefined;
  readonly aborted: boolean;
  /** The name of the span when the request began; undefined where it cannot be read. */
  readonly nameAtStart: string | undefined;
}

/**
 * Completes the span of a request; `found` is its route where that was not known at the start. A
 * name that the application set with `updateName()` stays.
 */
export function describeOutcome(
  span: Span,
  { statusCode, aborted, nameAtStart }: Outcome,
  found: RouteRecord | undefined,
): void {
  if (found !== undefined) {
    if (nameOf(span) === nameAtStart) span.updateName(found.spanName);
    if (found.identity.route !== undefined) span.setAttribute(ATTR_HTTP_ROUTE, found.identity.route);
  }
  if (statusCode !== undefined) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, statusCode);
  if (aborted) span.addEvent('http.request.aborted');
  if (statusCode === undefined || statusCode < 500) return;
  // The type is the status, as on the metric; message and exception event show what was thrown.
  span.setAttribute(ATTR_ERROR_TYPE, String(statusCode));
  const failure = requestFailureOf(span);
  const message = failure === undefined ? {} : { message: messageOf(failure.error) };
  span.setStatus({ code: SpanStatusCode.ERROR, ...message });
}

/** Sets the original of a method that the conventions do not know. */
export function describeUnknownMethod(span: Span, method: string, original: string | undefined): void {
  if (method === HTTP_REQUEST_METHOD_VALUE_OTHER && original !== undefined)
    span.setAttribute(ATTR_HTTP_REQUEST_METHOD_ORIGINAL, original);
}

/** The name of a span of the SDK or of ours; undefined for others. */
export function nameOf(span: Span): string | undefined {
  return 'name' in span && typeof span.name === 'string' ? span.name : undefined;
}

/**
 * The span that another instrumentation has opened for the request; ours is of another one. Where its spans of middleware and
 * hooks are active, it is found by what OpenTelemetry's instrumentation of HTTP keeps for them.
 */
export function foreignServerSpanIn(caller: Context): Span | undefined {
  const active = trace.getSpan(caller);
  if (active === undefined || isForeignServerSpan(active)) return active;
  // What `setRPCMetadata()` of the package has put there.
  const metadata = caller.getValue(RPC_METADATA) as
    { readonly type: string; readonly span: Span } | undefined;
  return metadata?.type === 'http' && isForeignServerSpan(metadata.span) ? metadata.span : undefined;
}

function isForeignServerSpan(span: Span): boolean {
  if (!('kind' in span) || span.kind !== SpanKind.SERVER || !span.isRecording()) return false;
  const scope =
    'instrumentationScope' in span ? (span.instrumentationScope as { name?: unknown }) : undefined;
  return scope?.name !== SCOPE;
}

const METHODS_WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Without the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

export function schemeOf({ headers, socket }: IncomingMessage): 'http' | 'https' {
  const scheme = headers[':scheme'];
  if (scheme !== undefined) return scheme === 'https' ? 'https' : 'http';
  return isEncrypted(socket) ? 'https' : 'http';
}

/** The `Host` header, or what HTTP/2 has for it. */
export function hostOf({ headers }: IncomingMessage): string | undefined {
  if (headers.host !== undefined) return headers.host;
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : undefined;
}

/** undefined when the connection is closed. */
function peerOf(request: IncomingMessage): string | undefined {
  const socket = request.socket as Socket | null | undefined;
  return socket?.remoteAddress;
}

/** Whether bytes of a body may follow the headers. */
export function mayHaveBody(request: IncomingMessage): boolean {
  if (METHODS_WITHOUT_BODY.has(request.method ?? '')) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0') || request.httpVersionMajor === 2;
}

/** Bytes; undefined for any other value of a header. */
export function readLength(header: unknown): number | undefined {
  if (header === undefined || header === null) return undefined;
  const length = Number(header);
  return Number.isInteger(length) && length >= 0 ? length : undefined;
}

/** Whether the client asked for server-sent events, which end when it goes away. */
export function wantsEvents({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/event-stream') === true;
}

function isEncrypted(socket: Socket | null | undefined): boolean {
  return socket !== null && socket !== undefined && 'encrypted' in socket && socket.encrypted === true;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Splits a `Host` header or `:authority`; the port is the scheme's by default. */
export function parseHost(
  host: string | undefined,
  scheme: string,
): { readonly address: string; readonly port: number } | undefined {
  if (host === undefined || host === '') return undefined;
  const colon = host.lastIndexOf(':');
  const hasPort = colon > host.lastIndexOf(']');
  const port = hasPort ? Number(host.slice(colon + 1)) : Number.NaN;
  return {
    address: hasPort ? host.slice(0, colon) : host,
    port: Number.isInteger(port) && port > 0 ? port : (DEFAULT_PORTS[scheme] ?? 80),
  };
}
