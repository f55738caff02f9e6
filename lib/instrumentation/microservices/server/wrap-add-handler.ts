import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Transport } from '../transports.js';
import { describeEvent, describeRequest } from './describe-handler.js';
import { recordGrpcCalls } from './record-grpc-call.js';
import { recordMessage } from './record-messages.js';
import { type ServerLike } from './server.interface.js';

/** An `addHandler` that registers, in place of each handler, one that records the messages it is called with. */
export function wrapAddHandler(
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

/** The pattern as NestJS registers it: keys of an object are sorted, so that it always reads the same. */
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
  // NestJS hangs further handlers of an event on the first as `next`, and looks for them on its own function.
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
