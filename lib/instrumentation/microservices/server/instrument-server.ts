import { context } from '@opentelemetry/api';
import { isTracingSuppressed, suppressTracing } from '@opentelemetry/core';

import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Undo, undoAll } from '../../../process/undo-all.js';
import { isMicroservicesEnabled, Operation } from '../operation.js';
import { type Transport, transportOfServer } from '../transports.js';
import {
  currentIncoming,
  noteParsedPacket,
  readIncoming,
  receiveHeaders,
  withIncoming,
} from './incoming-message.js';
import { recordGrpcCalls } from './record-grpc-calls.js';
import {
  describeEvent,
  describeRequest,
  describeUnmatched,
  originalPattern,
  recordMessage,
} from './record-messages.js';

/** What is used of NestJS's `Server`, of whichever transport. */
export interface ServerLike {
  readonly transportId?: unknown;
  readonly messageHandlers?: ReadonlyMap<unknown, unknown>;
  normalizePattern?(pattern: unknown): unknown;
}

const INSTRUMENTED = Symbol.for('nestjs-telemetry.microservice-server');

/**
 * Records every message that one server of an application handles, from the transport to the end of
 * the answer. What it overrides, it overrides on the instance; the undo leaves the handlers it has
 * wrapped, which then only call through.
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
  const records = (): boolean => active && isMicroservicesEnabled();
  const undo = [
    patch(server, 'addHandler', (original) => wrapAddHandler(server, transport, original, records)),
    ...(transport === 'custom' || transport === 'grpc' ? [] : followMessages(server, transport, records)),
  ];
  return () => {
    active = false;
    undoAll(undo)();
    target[INSTRUMENTED] = false;
  };
}

/**
 * An `addHandler` that registers, in place of each handler, one that records the messages it is
 * called with.
 */
function wrapAddHandler(
  server: ServerLike,
  transport: Transport,
  original: AnyMethod,
  records: () => boolean,
): AnyMethod {
  return function (pattern, callback, isEvent, ...rest) {
    // The second handler of an event is called by the first one, below the span of the message.
    const handler =
      typeof callback !== 'function' || (isEvent === true && hasHandler(server, pattern))
        ? callback
        : wrapHandler(
            callback as AnyMethod,
            transport,
            namePattern(server, pattern),
            isEvent === true,
            records,
          );
    return original.call(this, pattern, handler, isEvent, ...rest);
  };
}

function hasHandler(server: ServerLike, pattern: unknown): boolean {
  const key = pattern instanceof RegExp ? pattern : server.normalizePattern?.(pattern);
  return server.messageHandlers?.has(key) === true;
}

/**
 * The pattern as NestJS registers it: keys of an object are sorted, so that it always reads the
 * same.
 */
function namePattern(server: ServerLike, pattern: unknown): string {
  return pattern instanceof RegExp ? String(pattern) : String(server.normalizePattern?.(pattern) ?? pattern);
}

function wrapHandler(
  handler: AnyMethod,
  transport: Transport,
  pattern: string,
  isEvent: boolean,
  records: () => boolean,
): AnyMethod {
  const wrapper = makeRecorder(handler, transport, pattern, isEvent, records);
  // NestJS hangs further handlers of an event on the first as `next`, and looks for them on its own
  // function.
  Object.defineProperty(wrapper, 'next', {
    get: () => Reflect.get(handler, 'next') as unknown,
    set: (next: unknown) => {
      Reflect.set(handler, 'next', next);
    },
    configurable: true,
    enumerable: true,
  });
  return wrapper;
}

function makeRecorder(
  handler: AnyMethod,
  transport: Transport,
  pattern: string,
  isEvent: boolean,
  records: () => boolean,
): AnyMethod {
  if (transport === 'grpc') {
    const recordCall = recordGrpcCalls(handler, pattern);
    return function (...args) {
      return records() ? recordCall.apply(this, args) : handler.apply(this, args);
    };
  }
  const description = isEvent ? describeEvent(transport, pattern) : describeRequest(transport, pattern);
  return function (...args) {
    return records() ? recordMessage(description, handler, this, args) : handler.apply(this, args);
  };
}

/**
 * Takes the headers of each message where the transport hands it over, whatever a deserialiser
 * makes of it afterwards.
 */
function followMessages(server: ServerLike, transport: Transport, records: () => boolean): Undo[] {
  const undo = [
    patch(
      server,
      'handleMessage',
      (original) =>
        function (...args) {
          if (!records() || isTracingSuppressed(context.active())) return original.apply(this, args);
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

/** The reply is part of the message: the Redis command that carries it is no work of its own. */
const withoutCommandSpans = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const publish = original.apply(this, args);
    if (typeof publish !== 'function') return publish;
    return (response: unknown): unknown =>
      context.with(suppressTracing(context.active()), () => (publish as AnyMethod).call(this, response));
  };

/**
 * A message that no handler knows: NestJS answers with an error, or logs one, and calls nothing of
 * the application.
 */
function recordUnmatched(transport: Transport, pattern: unknown): void {
  const message = currentIncoming();
  if (message === undefined || message.unmatched) return;
  message.unmatched = true;
  const incoming = receiveHeaders(transport, message.headers, context.active());
  context.with(incoming.context, () => {
    const description = describeUnmatched(transport, message.isEvent);
    new Operation(description, originalPattern(pattern), incoming.links).fail(new NoHandlerError());
  });
}

class NoHandlerError extends Error {
  override readonly name = 'NoHandler';

  constructor() {
    super('no handler is registered for this pattern');
    // No code has failed.
    delete this.stack;
  }
}
