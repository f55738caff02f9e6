import { type IncomingMessage } from 'node:http';

import { warnOnce } from '../../errors/warnings.js';
import { patch } from '../../invocation/patch.js';
import { type Undo } from '../../process/undo-all.js';
import { recordOf } from './http-server-recorder.js';

/** The key of the id in the body of an answer. */
const KEY = 'traceId';

type Send = (this: unknown, body: unknown, ...rest: unknown[]) => unknown;

/** What is used of Fastify's reply, Express's response, and a bare response of `node:http`. */
interface AnswerLike {
  getHeader?(name: string): unknown;
  /** Fastify's. */
  readonly raw?: unknown;
  send?: Send;
  /** Express's. */
  json?: Send;
}

/** What is used of the `ArgumentsHost` of an exception. */
interface HostLike {
  getType(): string;
  getArgByIndex(index: number): unknown;
}

/** Ids for answers that a middleware on Fastify caused: these have no `send()` of a reply. */
const bareAnswers = new WeakMap<object, string>();

/** Lets the object that answers an exception show the id of its trace, where that is configured. */
export function addTraceIdToAnswer(host: unknown): void {
  try {
    const call = host as HostLike; // NestJS passes nothing else
    if (call.getType() !== 'http') return;
    const [request, answer] = [0, 1].map((index) => call.getArgByIndex(index));
    const raw = rawOf(request);
    if (raw === undefined || typeof answer !== 'object' || answer === null) return;
    const traceId = recordOf(raw)?.traceIdForErrors?.();
    if (traceId === undefined || raw.method === 'HEAD') return;
    showTraceId(answer, traceId);
  } catch (error) {
    warnOnce('http-server:error-body', `The body of an error has no trace id: ${String(error)}`);
  }
}

function showTraceId(answer: AnswerLike, traceId: string): void {
  const method = answer.raw === undefined ? 'json' : 'send';
  const send = answer[method];
  if (send === undefined) {
    bareAnswers.set(answer, traceId);
    return;
  }
  answer[method] = function (body, ...rest) {
    return send.call(this, withTraceId(body, answer, traceId), ...rest);
  };
}

/**
 * Adds the ids to what NestJS answers through `adapter`, for responses that have no method of a
 * framework. Returns the undo.
 */
export function addTraceIdToReplies(adapter: object): Undo {
  return patch(
    adapter,
    'reply',
    (original) =>
      function (answer, body, ...rest) {
        const traceId = bareAnswers.get(answer as object);
        const sent = traceId === undefined ? body : withTraceId(body, answer as AnswerLike, traceId);
        return original.call(this, answer, sent, ...rest);
      },
  );
}

/** A copy with the id: the object may be that of an exception which is thrown again. */
function withTraceId(body: unknown, answer: AnswerLike, traceId: string): unknown {
  try {
    if (!isPlainObject(body) || KEY in body || 'toJSON' in body) return body;
    const type = answer.getHeader?.('content-type');
    if (typeof type === 'string' && !/[/+]json\b/i.test(type)) return body;
    return { ...body, [KEY]: traceId };
  } catch {
    // A getter or a proxy that throws: it does so again where the body is written.
    return body;
  }
}

/** Not an instance of a class: what it becomes as JSON is its own affair. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function rawOf(request: unknown): IncomingMessage | undefined {
  if (typeof request !== 'object' || request === null) return undefined;
  const { raw } = request as { readonly raw?: unknown };
  return (raw ?? request) as IncomingMessage; // Fastify's request has it, Express's is it
}
