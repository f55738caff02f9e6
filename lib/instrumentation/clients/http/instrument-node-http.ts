import { type ClientRequest, type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';

import { propagation } from '@opentelemetry/api';

import { ATTR_HTTP_REQUEST_RESEND_COUNT } from '../../../config/semantic-conventions.constants.js';
import { subscribeChannels } from '../channels.js';
import { type OpenAnswer, OpenAnswers, type Reading } from './open-answers.js';
import {
  beginRequest,
  cancelRequest,
  destinationOf,
  endRequest,
  isAbort,
  noteResponse,
  type RequestDestination,
  type SentRequest,
  withoutQuery,
} from './sent-request.js';

/**
 * A request of `node:http` or `node:https`, with what is read of it beyond its documented members.
 */
interface OutgoingRequest extends ClientRequest {
  readonly res?: (IncomingMessage & { readonly _dumped?: boolean }) | null;
  readonly socketPath?: string;
  /** Head of a request whose headers were given as a list: they are written out when it is made. */
  _header?: string | null;
  readonly _headerSent?: boolean;
  /** What follow-redirects (and with it axios) counts. */
  readonly _redirectable?: { readonly _redirectCount?: number };
}

/** What Node publishes of each moment of a request. */
interface RequestMessage {
  readonly request: OutgoingRequest;
  /** Of `response.finish`. */
  readonly response: IncomingMessage;
  /** Of `request.error`. */
  readonly error: unknown;
}

const SCOPE = 'nestjs-telemetry/http-client';

const inFlight = new WeakMap<OutgoingRequest, SentRequest>();
const answers = new OpenAnswers();

/**
 * Gives every request of `node:http` and `node:https` a CLIENT span and sends the trace along:
 * axios, got, and whatever else is built on them. A redirect or a retry has its own
 * span. Returns the undo.
 */
export function instrumentNodeHttp(): () => void {
  const unsubscribe = subscribeChannels<RequestMessage>({
    'http.client.request.created': onCreated,
    'http.client.response.finish': onResponse,
    'http.client.request.error': ({ request, error }) => {
      finish(request, error);
    },
  });
  return () => {
    unsubscribe();
    answers.endAll();
  };
}

function onCreated({ request }: RequestMessage): void {
  const { destination, path } = describeTarget(request);
  const sent = beginRequest(SCOPE, request.method, destination, path);
  if (sent === undefined) return;
  propagation.inject(sent.context, request, {
    set: (target, key, value) => {
      // A header the application injected itself stays.
      if (readRequestHeader(target, key) === undefined) setRequestHeader(target, key, value);
    },
  });
  inFlight.set(request, sent);
  request.once('close', onClose);
}

/** The head of the answer is there; the span lasts until its body is read. */
function onResponse({ request, response }: RequestMessage): void {
  const sent = inFlight.get(request);
  if (sent === undefined) return;
  describeAnswer(sent, request, response);
  response.once('end', onResponseEnd);
  answers.watch(request, sent.caller, new HttpAnswer(request, response));
}

class HttpAnswer implements OpenAnswer {
  lastAt = performance.now();
  private bytesRead: number;

  constructor(
    private readonly request: OutgoingRequest,
    private readonly response: IncomingMessage,
  ) {
    this.bytesRead = bytesOf(response);
  }

  /** Flowing is null until the body has a listener, and false while a reader holds it back. */
  reading(): Reading {
    const { readableFlowing } = this.response;
    if (readableFlowing === null) return 'unread';
    const bytesRead = bytesOf(this.response);
    if (bytesRead !== this.bytesRead) {
      this.bytesRead = bytesRead;
      this.lastAt = performance.now();
    }
    return readableFlowing ? 'waiting' : 'unknown';
  }

  end(): void {
    finish(this.request, undefined, this.lastAt);
  }
}

function bytesOf({ socket }: IncomingMessage): number {
  return (socket as Socket | null)?.bytesRead ?? 0;
}

function onResponseEnd(this: IncomingMessage): void {
  finish((this as IncomingMessage & { readonly req: OutgoingRequest }).req);
}

/**
 * Takes the last event of a request whose answer was not read to its end, or became a
 * socket.
 */
function onClose(this: OutgoingRequest): void {
  const sent = inFlight.get(this);
  if (sent === undefined) return;
  const { res } = this;
  if (res === undefined || res === null) {
    sent.span?.addEvent('cancelled');
  } else if (sent.statusCode === undefined) {
    describeAnswer(sent, this, res);
    // Clients that follow redirects leave the body of one unread.
  } else if (!res.complete && !(sent.statusCode >= 300 && sent.statusCode < 400)) {
    // `request.destroy()` without an error gives the body up; only that dumps an answer with a
    // reader.
    if (res.errored !== null && res._dumped !== true) {
      finish(this, res.errored);
      return;
    }
    sent.span?.addEvent('cancelled');
  }
  finish(this);
}

function finish(request: OutgoingRequest, error?: unknown, at?: number): void {
  const sent = inFlight.get(request);
  if (sent === undefined) return;
  inFlight.delete(request);
  answers.forget(request);
  if (sent.statusCode !== undefined && isAbort(error)) cancelRequest(sent);
  else endRequest(sent, error, at);
}

function describeAnswer(sent: SentRequest, request: OutgoingRequest, response: IncomingMessage): void {
  noteResponse(sent, response.statusCode ?? 0, response.httpVersion);
  const resent = request._redirectable?._redirectCount ?? 0;
  if (resent > 0) sent.span?.setAttribute(ATTR_HTTP_REQUEST_RESEND_COUNT, resent);
}

function describeTarget(request: OutgoingRequest): { destination: RequestDestination; path: string } {
  const path = withoutQuery(request.path);
  // Through a proxy the path is the whole URL of the server behind it.
  if (!path.startsWith('/')) {
    const url = URL.parse(path);
    if (url !== null) return { destination: destinationOf(url.origin), path: url.pathname };
  }
  const host = readRequestHeader(request, 'host') ?? request.host;
  const { protocol, socketPath } = request;
  const origin = `${protocol}//${host}`;
  if (socketPath === undefined) return { destination: destinationOf(origin), path };
  const destination = { scheme: protocol.slice(0, -1), address: socketPath, port: undefined, origin };
  return { destination, path };
}

/** Reads a header that will be sent; undefined when there is none of that name. */
function readRequestHeader(request: OutgoingRequest, name: string): string | undefined {
  const value = request.getHeader(name);
  if (value !== undefined) return String(value);
  const { _header: head } = request;
  return typeof head === 'string'
    ? new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r$`, 'im').exec(head)?.[1]
    : undefined;
}

/**
 * Adds a header to a request that has just been made. One whose headers were given as a list has
 * its head written already, but not sent: there it is added to the text. Sent immediately, and left
 * alone, is the head of a request with `Expect: 100-continue`.
 */
function setRequestHeader(request: OutgoingRequest, name: string, value: string): void {
  const { _header: head } = request;
  if (typeof head !== 'string') request.setHeader(name, value);
  else if (request._headerSent === false) request._header = `${head.slice(0, -2)}${name}: ${value}\r\n\r\n`;
}
