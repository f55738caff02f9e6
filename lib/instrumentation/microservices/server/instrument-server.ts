import { context, SpanKind } from '@opentelemetry/api';

import { ATTR_RPC_METHOD_ORIGINAL } from '../../../config/semantic-conventions.constants.js';
import { isTracingSuppressed, suppressTracing } from '../../../engine/suppressed-tracing.js';
import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Undo, undoAll } from '../../../process/undo-all.js';
import { describeCall, describeEvent, type OperationDescription } from '../descriptions.js';
import { failureOf, isMicroservicesEnabled, Operation } from '../operation.js';
import { type Transport, transportOfServer } from '../transports.js';
import {
  currentIncoming,
  noteParsedPacket,
  readIncoming,
  receiveHeaders,
  withIncoming,
} from './incoming-message.js';
import { recordGrpcCalls } from './record-grpc-calls.js';
import { recordMessage } from './record-messages.js';

/** What is used of NestJS's `Server`, of whichever transport. */
export interface ServerLike {
  readonly transportId?: unknown;
  readonly messageHandlers?: ReadonlyMap<unknown, unknown>;
  normalizePattern?(pattern: unknown): unknown;
}

const INSTRUMENTED = Symbol.for('nestjs-telemetry.microservice-server');

/**
 * Records every message that one server of an application handles, from the transport to the end of
 * the answer. Methods are patched on the instance; handlers stay wrapped after the undo, and then
 * only call through.
 *
 * NestJS's own `setOnProcessingStartHook` cannot be used: its slot is the application's, it gets no
 * failure, and on NestJS 11 it does not get the end for most transports.
 */
export function instrumentServer(server: ServerLike): Undo {
  const target: ServerLike & { [INSTRUMENTED]?: boolean } = server;
  if (target[INSTRUMENTED] === true) return () => undefined;
  target[INSTRUMENTED] = true;
  const transport = transportOfServer(server);
  let active = true;
  const isRecorded = (): boolean => active && isMicroservicesEnabled();
  const undo = [
    patch(server, 'addHandler', (original) => wrapAddHandler(server, transport, original, isRecorded)),
    ...(transport === 'custom' || transport === 'grpc' ? [] : followMessages(server, transport, isRecorded)),
  ];
  return () => {
    active = false;
    undoAll(undo)();
    target[INSTRUMENTED] = false;
  };
}

/** An `addHandler` that registers handlers which record the messages they are called with. */
function wrapAddHandler(
  server: ServerLike,
  transport: Transport,
  original: AnyMethod,
  isRecorded: () => boolean,
): AnyMethod {
  return function (pattern, callback, isEvent, ...rest) {
    // The second handler of an event is called by the first one, below the span of the message.
    const isCalledByOther = isEvent === true && hasHandler(server, pattern);
    if (typeof callback !== 'function' || isCalledByOther)
      return original.call(this, pattern, callback, isEvent, ...rest);
    const handler = callback as AnyMethod;
    const recording = recordHandler(handler, transport, namePattern(server, pattern), isEvent === true);
    const wrapper: AnyMethod = function (...args) {
      return (isRecorded() ? recording : handler).apply(this, args);
    };
    // NestJS chains further handlers of an event to the first, as `next` of the function that it registers.
    Object.defineProperty(wrapper, 'next', {
      get: () => Reflect.get(handler, 'next') as unknown,
      set: (next: unknown) => {
        Reflect.set(handler, 'next', next);
      },
      configurable: true,
      enumerable: true,
    });
    return original.call(this, pattern, wrapper, isEvent, ...rest);
  };
}

function hasHandler(server: ServerLike, pattern: unknown): boolean {
  const key = pattern instanceof RegExp ? pattern : server.normalizePattern?.(pattern);
  return server.messageHandlers?.has(key) === true;
}

/** The pattern as NestJS registers it: always the same text, with sorted keys. */
function namePattern(server: ServerLike, pattern: unknown): string {
  return pattern instanceof RegExp ? String(pattern) : String(server.normalizePattern?.(pattern) ?? pattern);
}

function recordHandler(
  handler: AnyMethod,
  transport: Transport,
  pattern: string,
  isEvent: boolean,
): AnyMethod {
  if (transport === 'grpc') return recordGrpcCalls(handler, pattern);
  const description = describeIncoming(transport, pattern, isEvent);
  return function (...args) {
    return recordMessage(handler, this, args, (links) => new Operation(description, undefined, links));
  };
}

function describeIncoming(
  transport: Transport,
  pattern: string | undefined,
  isEvent: boolean,
): OperationDescription {
  return isEvent
    ? describeEvent(SpanKind.CONSUMER, transport, pattern)
    : describeCall(SpanKind.SERVER, transport, pattern);
}

/** Reads the headers of each message where it arrives, before a deserialiser changes it. */
function followMessages(server: ServerLike, transport: Transport, isRecorded: () => boolean): Undo[] {
  const undo = [
    patch(
      server,
      'handleMessage',
      (original) =>
        function (...args) {
          if (!isRecorded() || isTracingSuppressed(context.active())) return original.apply(this, args);
          return withIncoming(readIncoming(transport, args), () => original.apply(this, args));
        },
    ),
    patch(
      server,
      'handleEvent',
      (original) =>
        function (...args) {
          const message = currentIncoming();
          if (message !== undefined) message.isEvent = true;
          return original.apply(this, args);
        },
    ),
    patch(
      server,
      'getHandlerByPattern',
      (original) =>
        function (...args) {
          const handler = original.apply(this, args);
          if (handler === null || handler === undefined) recordUnmatched(transport, args[0]);
          return handler;
        },
    ),
  ];
  if (transport === 'redis' || transport === 'mqtt') undo.push(patch(server, 'parseMessage', noteParsed));
  if (transport === 'redis') undo.push(patch(server, 'getPublisher', withoutCommandSpans));
  return undo;
}

const noteParsed = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const packet = original.apply(this, args);
    noteParsedPacket(packet);
    return packet;
  };

/** The reply is part of the message: the Redis command that carries it has no span. */
const withoutCommandSpans = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const publish = original.apply(this, args);
    if (typeof publish !== 'function') return publish;
    return (response: unknown): unknown =>
      context.with(suppressTracing(context.active()), () => (publish as AnyMethod).call(this, response));
  };

/** How many characters of a pattern that no handler knows are kept. */
const MAX_ORIGINAL = 256;

/** A message without a handler: NestJS answers or logs an error, and calls no other code. */
function recordUnmatched(transport: Transport, pattern: unknown): void {
  const message = currentIncoming();
  if (message === undefined || message.unmatched) return;
  message.unmatched = true;
  const incoming = receiveHeaders(transport, message.headers, context.active());
  context.with(incoming.context, () => {
    // The pattern is the sender's choice, and no name for a span or a metric.
    const description = describeIncoming(transport, undefined, message.isEvent);
    const attributes = { [ATTR_RPC_METHOD_ORIGINAL]: String(pattern).slice(0, MAX_ORIGINAL) };
    const failure = failureOf('NoHandler', 'no handler is registered for this pattern');
    new Operation(description, attributes, incoming.links).fail(failure);
  });
}
