import { type Channel, channel, subscribe, unsubscribe } from 'node:diagnostics_channel';

import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from '../../config/semantic-conventions.constants.js';
import { recordHttpClientRequest } from '../../metrics/http-client-metrics.js';
import { tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../tracing/error-policy.js';
import {
  type UndiciCreateMessage,
  type UndiciErrorMessage,
  type UndiciHeadersMessage,
  type UndiciRequest,
} from './undici-request.interface.js';

const SCOPE = 'nestjs-telemetry/undici';

interface RequestInFlight {
  readonly span: Span;
  readonly startedAt: number;
  readonly method: string;
  readonly scheme: string;
  readonly address: string;
  readonly port: number;
  statusCode?: number;
}

/**
 * Gives every `fetch` and undici request a CLIENT span and sends the trace along. Works whenever it is called and
 * however the client was imported: undici announces its requests on diagnostics channels. Returns the undo.
 */
export function instrumentUndici(): () => void {
  const inFlight = new WeakMap<UndiciRequest, RequestInFlight>();

  const onCreate = (message: unknown): void => {
    const { request } = message as UndiciCreateMessage;
    const started = startRequest(request);
    if (started !== undefined) inFlight.set(request, started);
  };
  const onHeaders = (message: unknown): void => {
    const { request, response } = message as UndiciHeadersMessage;
    const sent = inFlight.get(request);
    if (sent === undefined) return;
    sent.statusCode = response.statusCode;
    describeResponse(sent.span, response.statusCode);
  };
  const onTrailers = (message: unknown): void => {
    const { request } = message as UndiciCreateMessage;
    finishRequest(inFlight, request);
  };
  const onError = (message: unknown): void => {
    const { request, error } = message as UndiciErrorMessage;
    const sent = inFlight.get(request);
    if (sent === undefined) return;
    recordFailure(sent.span, error, () => true);
    finishRequest(inFlight, request, error);
  };

  const subscriptions: [string, (message: unknown) => void][] = [
    ['undici:request:create', onCreate],
    ['undici:request:headers', onHeaders],
    ['undici:request:trailers', onTrailers],
    ['undici:request:error', onError],
  ];
  for (const [name, listener] of subscriptions) subscribe(name, listener);
  return takeOver(() => {
    for (const [name, listener] of subscriptions) unsubscribe(name, listener);
  });
}

const SUBSCRIPTION = Symbol.for('nestjs-telemetry.subscription');

/**
 * Ends the subscription another set of globals left behind, and remembers this one. Channels belong to the process, but
 * a test runner gives each file globals of its own: an application that one file never closed would go on putting its
 * own trace on the requests of the next.
 */
function takeOver(undo: () => void): () => void {
  const holder = channel('undici:request:create') as Channel & { [SUBSCRIPTION]?: () => void };
  holder[SUBSCRIPTION]?.();
  holder[SUBSCRIPTION] = undo;
  return undo;
}

function startRequest(request: UndiciRequest): RequestInFlight | undefined {
  const caller = context.active();
  if (isTracingSuppressed(caller)) return undefined;
  const { attributes, ...destination } = describeRequest(request);
  const span = tracerFor(SCOPE).startSpan(request.method, { kind: SpanKind.CLIENT, attributes }, caller);
  propagation.inject(trace.setSpan(caller, span), request, {
    set: (target, key, value) => {
      // A header the application injected itself stays: two of a kind would be joined, and the trace lost.
      if (!hasHeader(target, key)) target.addHeader(key, value);
    },
  });
  return { span, startedAt: performance.now(), ...destination };
}

/** undici hands headers on as a flat list of names and values, older versions as the text of the request. */
function hasHeader({ headers }: UndiciRequest, name: string): boolean {
  if (typeof headers === 'string') return new RegExp(`^${name}:`, 'im').test(headers);
  return (
    Array.isArray(headers) &&
    headers.some((item, index) => index % 2 === 0 && String(item).toLowerCase() === name)
  );
}

interface RequestDestination {
  readonly method: string;
  readonly scheme: string;
  readonly address: string;
  readonly port: number;
  readonly attributes: Attributes;
}

function describeRequest(request: UndiciRequest): RequestDestination {
  const origin = new URL(String(request.origin));
  const query = request.path.indexOf('?');
  const path = query === -1 ? request.path : request.path.slice(0, query);
  const port = origin.port === '' ? (origin.protocol === 'https:' ? 443 : 80) : Number(origin.port);
  return {
    method: request.method,
    scheme: origin.protocol.slice(0, -1),
    address: origin.hostname,
    port,
    attributes: {
      [ATTR_HTTP_REQUEST_METHOD]: request.method,
      // Without the query and without credentials: secrets travel in both.
      [ATTR_URL_FULL]: `${origin.protocol}//${origin.host}${path}`,
      [ATTR_SERVER_ADDRESS]: origin.hostname,
      [ATTR_SERVER_PORT]: port,
    },
  };
}

function describeResponse(span: Span, statusCode: number): void {
  span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, statusCode);
  if (statusCode < 400) return;
  // For the caller a 4xx is a failure too: it asked for something it did not get.
  span.setAttribute(ATTR_ERROR_TYPE, String(statusCode));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function finishRequest(
  inFlight: WeakMap<UndiciRequest, RequestInFlight>,
  request: UndiciRequest,
  error?: unknown,
): void {
  const sent = inFlight.get(request);
  if (sent === undefined) return;
  inFlight.delete(request);
  const { span, startedAt, method, scheme, address, port, statusCode } = sent;
  span.end();
  recordHttpClientRequest({
    method,
    scheme,
    serverAddress: address,
    serverPort: port,
    statusCode,
    errorType: error === undefined ? undefined : errorTypeOf(error),
    durationSeconds: (performance.now() - startedAt) / 1000,
    context: trace.setSpan(ROOT_CONTEXT, span),
  });
}
