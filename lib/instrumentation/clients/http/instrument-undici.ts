import { propagation, trace } from '@opentelemetry/api';

import { subscribeChannels } from '../subscribe-channels.js';
import { destinationOf, withoutQuery } from './request-destination.js';
import { beginRequest, endRequest, noteResponse, type SentRequest } from './sent-request.js';
import {
  type UndiciCreateMessage,
  type UndiciErrorMessage,
  type UndiciHeadersMessage,
  type UndiciRequest,
} from './undici-request.interface.js';

const SCOPE = 'nestjs-telemetry/undici';

/**
 * Gives every `fetch` and undici request a CLIENT span and sends the trace along. Works whenever it is called and
 * however the client was imported: undici announces its requests on diagnostics channels. Returns the undo.
 */
export function instrumentUndici(): () => void {
  const inFlight = new WeakMap<UndiciRequest, SentRequest>();

  const finish = (request: UndiciRequest, error?: unknown): void => {
    const sent = inFlight.get(request);
    if (sent === undefined) return;
    inFlight.delete(request);
    endRequest(sent, error);
  };
  return subscribeChannels({
    'undici:request:create': (message) => {
      const { request } = message as UndiciCreateMessage;
      const started = startRequest(request);
      if (started !== undefined) inFlight.set(request, started);
    },
    'undici:request:headers': (message) => {
      const { request, response } = message as UndiciHeadersMessage;
      const sent = inFlight.get(request);
      if (sent !== undefined) noteResponse(sent, response.statusCode);
    },
    'undici:request:trailers': (message) => {
      finish((message as UndiciCreateMessage).request);
    },
    'undici:request:error': (message) => {
      const { request, error } = message as UndiciErrorMessage;
      finish(request, error);
    },
  });
}

function startRequest(request: UndiciRequest): SentRequest | undefined {
  if (isRecordedByOthers(request)) return undefined;
  const destination = destinationOf(String(request.origin));
  const sent = beginRequest(SCOPE, request.method, destination, withoutQuery(request.path));
  if (sent === undefined) return undefined;
  propagation.inject(sent.context, request, {
    set: (target, key, value) => {
      // A header the application injected itself stays: two of a kind would be joined, and the trace lost.
      if (readHeader(target, key) === undefined) target.addHeader(key, value);
    },
  });
  return sent;
}

/**
 * True when the request carries a span of the active trace that is neither the active one (injected by hand) nor its parent
 * (a proxy that hands headers on): then another instrumentation of undici has made the span of this request.
 */
function isRecordedByOthers(request: UndiciRequest): boolean {
  const active = trace.getActiveSpan();
  if (active === undefined) return false;
  const [, traceId, spanId] = readHeader(request, 'traceparent')?.split('-') ?? [];
  const current = active.spanContext();
  if (traceId !== current.traceId || spanId === current.spanId) return false;
  const parent =
    'parentSpanContext' in active ? (active.parentSpanContext as { spanId?: string }) : undefined;
  return parent?.spanId !== spanId;
}

/** undici hands headers on as a flat list of names and values, older versions as the text of the request. */
function readHeader({ headers }: UndiciRequest, name: string): string | undefined {
  if (typeof headers === 'string') return new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'im').exec(headers)?.[1];
  if (!Array.isArray(headers)) return undefined;
  const position = headers.findIndex((item, index) => index % 2 === 0 && String(item).toLowerCase() === name);
  return position === -1 ? undefined : String(headers[position + 1]);
}
