import { type IncomingMessage } from 'node:http';

import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed, suppressTracing } from '@opentelemetry/core';

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
} from '../../config/semantic-conventions.constants.js';
import { tracerFor } from '../../runtime/tracers.js';
import { messageOf } from '../../tracing/error-policy.js';
import { type FrameworkRequest } from './http-request.interface.js';
import { type IgnoreRule } from './ignore-rules.js';
import { requestFailureOf } from './request-failures.js';
import { describeRequest, identifyRequest, type RequestIdentity } from './request-attributes.js';

/** What is known of a request once its response is out, or will never be. */
export interface FinishedRequest extends RequestIdentity {
  readonly route: string | undefined;
  /** undefined when the client went away before an answer was complete. */
  readonly statusCode: number | undefined;
  readonly aborted: boolean;
  readonly durationSeconds: number;
  /** Carries the server span, for the request line and for exemplars. */
  readonly context: Context;
}

export interface RequestObserver {
  onStart(request: RequestIdentity): void;
  onEnd(request: FinishedRequest): void;
}

const SCOPE = 'nestjs-telemetry/http-server';
const METHODS_WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Records one request as a SERVER span from its first hook to the end of its response, and runs `proceed` with that
 * span active. An ignored request leaves nothing, neither here nor in anything it calls.
 */
export function recordRequest(
  exchange: FrameworkRequest,
  ignore: IgnoreRule,
  observer: RequestObserver,
  proceed: () => void,
): void {
  const { request, response } = exchange;
  const identity = identifyRequest(request);
  const initialRoute = exchange.route();
  const caller = context.active();
  if (ignore(identity.path) || (initialRoute !== undefined && ignore(initialRoute))) {
    context.with(suppressTracing(caller), proceed);
    return;
  }

  const startedAt = performance.now();
  const { span, owned, spanContext } = startServerSpan(request, identity, initialRoute, caller);
  if (hasBody(request)) context.bind(spanContext, request);
  observer.onStart(identity);

  let ended = false;
  const finish = (aborted: boolean): void => {
    if (ended) return;
    ended = true;
    const route = exchange.route();
    const statusCode = aborted && !response.headersSent ? undefined : response.statusCode;
    describeOutcome(span, identity.method, route, statusCode, aborted);
    observer.onEnd({
      ...identity,
      route,
      statusCode,
      aborted,
      durationSeconds: (performance.now() - startedAt) / 1000,
      context: spanContext,
    });
    if (owned) span.end();
  };
  response.once('finish', () => {
    finish(false);
  });
  response.once('close', () => {
    finish(!response.writableFinished);
  });
  context.with(spanContext, proceed);
}

interface ServerSpan {
  readonly span: Span;
  /** false when another instrumentation had opened the request's span before us: then that one is described, not a second made. */
  readonly owned: boolean;
  readonly spanContext: Context;
}

function startServerSpan(
  request: IncomingMessage,
  identity: RequestIdentity,
  route: string | undefined,
  caller: Context,
): ServerSpan {
  const existing = trace.getSpan(caller);
  if (existing !== undefined && isServerSpan(existing))
    return { span: existing, owned: false, spanContext: caller };
  const parent = isTracingSuppressed(caller) ? caller : propagation.extract(caller, request.headers);
  const span = tracerFor(SCOPE).startSpan(
    nameSpan(identity.method, route),
    { kind: SpanKind.SERVER, attributes: describeRequest(request, identity) },
    parent,
  );
  return { span, owned: true, spanContext: trace.setSpan(parent, span) };
}

function isServerSpan(span: Span): boolean {
  return 'kind' in span && span.kind === SpanKind.SERVER && span.isRecording();
}

function nameSpan(method: string, route: string | undefined): string {
  const name = method === '_OTHER' ? 'HTTP' : method;
  return route === undefined ? name : `${name} ${route}`;
}

function describeOutcome(
  span: Span,
  method: string,
  route: string | undefined,
  statusCode: number | undefined,
  aborted: boolean,
): void {
  if (!span.isRecording()) return;
  if (route !== undefined) {
    span.updateName(nameSpan(method, route));
    span.setAttribute(ATTR_HTTP_ROUTE, route);
  }
  if (statusCode !== undefined) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, statusCode);
  if (aborted) span.addEvent('http.request.aborted');
  if (statusCode === undefined || statusCode < 500) return;
  // The type is the status, as on the metric; what was thrown is told by the message and by the exception event.
  span.setAttribute(ATTR_ERROR_TYPE, String(statusCode));
  const failure = requestFailureOf(span);
  const message = failure === undefined ? {} : { message: messageOf(failure.error) };
  span.setStatus({ code: SpanStatusCode.ERROR, ...message });
}

/** Bytes of a body arrive in the socket's context: without a binding, a body parser would drop the request's span. */
function hasBody(request: IncomingMessage): boolean {
  if (METHODS_WITHOUT_BODY.has(request.method ?? '')) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0') || request.httpVersionMajor === 2;
}
