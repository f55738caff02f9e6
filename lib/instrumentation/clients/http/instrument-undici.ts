import { propagation, trace } from '@opentelemetry/api';

import { subscribeChannels } from '../channels.js';
import { type OpenAnswer, OpenAnswers, type Reading } from './open-answers.js';
import {
  beginRequest,
  cancelRequest,
  destinationOf,
  endRequest,
  isAbort,
  noteResponse,
  type SentRequest,
  withoutQuery,
} from './sent-request.js';

/** What undici (and with it `fetch`) publishes of a request on its diagnostics channels. */
interface UndiciRequest {
  readonly method: string;
  readonly origin: string | URL;
  readonly path: string;
  readonly headers: unknown;
  /** The protocol asked for by `upgrade()` or `WebSocket`. */
  readonly upgrade?: string | boolean | null;
  /** Called with the status of the answer when the connection is handed over. */
  onUpgrade?: (...args: unknown[]) => unknown;
  addHeader(name: string, value: string): unknown;
}

/** What is published of each moment of a request. */
interface UndiciMessage {
  readonly request: UndiciRequest;
  /** Of `headers`. */
  readonly response: { readonly statusCode: number };
  /** Of `bodyChunkReceived`; older versions leave it out. */
  readonly chunk?: Uint8Array;
  /** Of `error`. */
  readonly error: unknown;
}

const SCOPE = 'nestjs-telemetry/undici';

/**
 * Gives every `fetch` and undici request a CLIENT span and sends the trace along. Works whenever it
 * is called and however the client was imported: undici announces its requests on diagnostics
 * channels. Returns the undo.
 */
export function instrumentUndici(): () => void {
  const inFlight = new WeakMap<UndiciRequest, SentRequest>();
  const answers = new OpenAnswers();

  const finish = (request: UndiciRequest, error?: unknown, at?: number): void => {
    const sent = inFlight.get(request);
    if (sent === undefined) return;
    inFlight.delete(request);
    answers.forget(request);
    if (error !== undefined && sent.statusCode !== undefined && isGivenUp(error)) cancelRequest(sent);
    else endRequest(sent, error, at);
  };
  const unsubscribe = subscribeChannels<UndiciMessage>({
    'undici:request:create': ({ request }) => {
      const started = startRequest(request);
      if (started === undefined) return;
      inFlight.set(request, started);
      followSwitch(request, (statusCode) => {
        noteResponse(started, statusCode);
        finish(request);
      });
    },
    'undici:request:headers': ({ request, response }) => {
      const sent = inFlight.get(request);
      if (sent === undefined) return;
      noteResponse(sent, response.statusCode);
      const answer = new UndiciAnswer((at) => {
        finish(request, undefined, at);
      });
      answers.watch(request, sent.caller, answer);
    },
    'undici:request:bodyChunkReceived': ({ request, chunk }) => {
      (answers.get(request) as UndiciAnswer | undefined)?.note(chunk);
    },
    'undici:request:trailers': ({ request }) => {
      finish(request);
    },
    'undici:request:error': ({ request, error }) => {
      finish(request, error);
    },
  });
  return () => {
    unsubscribe();
    answers.endAll();
  };
}

/**
 * undici stops receiving when so many bytes wait for a reader, 64 KiB by default: fewer prove
 * nothing.
 */
const BYTES_IN_WAIT = 16 * 1024;

class UndiciAnswer implements OpenAnswer {
  lastAt = performance.now();
  private bytes = 0;

  constructor(private readonly endAt: (at: number) => void) {}

  note(chunk: Uint8Array | undefined): void {
    this.lastAt = performance.now();
    this.bytes += chunk?.byteLength ?? 0;
  }

  reading(): Reading {
    return this.bytes >= BYTES_IN_WAIT ? 'unread' : 'unknown';
  }

  end(): void {
    this.endAt(this.lastAt);
  }
}

/**
 * The reason of `body.cancel(reason)` or `abort(reason)` comes as the error; unlike it, those of
 * undici have codes.
 */
function isGivenUp(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || isAbort(error)) return true;
  return !('code' in error) && !('name' in error && error.name === 'TimeoutError');
}

/**
 * A request that becomes its own connection (`upgrade()`, `connect()`, `WebSocket`) is
 * announced nowhere when it does.
 */
function followSwitch(request: UndiciRequest, onSwitch: (statusCode: number) => void): void {
  const { onUpgrade } = request;
  const switches = request.method === 'CONNECT' || (request.upgrade ?? false) !== false;
  if (!switches || typeof onUpgrade !== 'function') return;
  request.onUpgrade = function (this: unknown, ...args: unknown[]) {
    onSwitch(Number(args[0]));
    return onUpgrade.apply(this, args);
  };
}

function startRequest(request: UndiciRequest): SentRequest | undefined {
  if (isRecordedByOthers(request)) return undefined;
  const destination = destinationOf(String(request.origin));
  const sent = beginRequest(SCOPE, request.method, destination, withoutQuery(request.path));
  if (sent === undefined) return undefined;
  propagation.inject(sent.context, request, {
    set: (target, key, value) => {
      // A header the application injected itself stays: two of a kind would be joined, and the
      // trace lost.
      if (readHeader(target, key) === undefined) target.addHeader(key, value);
    },
  });
  return sent;
}

/**
 * True when the request carries a span of the active trace that is neither the active one (injected
 * by hand) nor its parent (a proxy that hands headers on): then another instrumentation of undici
 * has made the span of this request.
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

/**
 * undici hands headers on as a flat list of names and values, older versions as the text of the
 * request.
 */
function readHeader({ headers }: UndiciRequest, name: string): string | undefined {
  if (typeof headers === 'string') return new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'im').exec(headers)?.[1];
  if (!Array.isArray(headers)) return undefined;
  const position = headers.findIndex((item, index) => index % 2 === 0 && String(item).toLowerCase() === name);
  return position === -1 ? undefined : String(headers[position + 1]);
}
