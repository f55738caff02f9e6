import { errorMonitor } from 'node:events';

import { type Attributes, context, SpanKind } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { isObservable, Observable } from 'rxjs';

import {
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_METHOD_ORIGINAL,
  ATTR_RPC_SYSTEM_NAME,
} from '../../../config/semantic-conventions.constants.js';
import { isRunningPromise } from '../../../invocation/follow-promises.js';
import { followResult } from '../../../invocation/follow-result.js';
import { type ResultObserver } from '../../../invocation/settlement.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { runInRequestScope, withRequestScope } from '../../../logging/request-scope.js';
import { recordMessageProcessed, recordRpcServerCall } from '../../../metrics/rpc-metrics.js';
import { grpcStatusOf, isServerFault } from '../grpc-status.js';
import { Operation, type OperationDescription } from '../operation.js';
import { type Transport } from '../transports.js';
import { receiveMessage } from './incoming-message.js';
import { type ServerLike } from './instrument-server.js';

/** How the end of a message is recorded where its transport knows more than that it is over. */
interface MessageOutcome {
  /** Called before the handler is. */
  readonly begin?: (operation: Operation) => void;
  readonly succeed: (operation: Operation) => void;
  readonly fail: (operation: Operation, error: unknown) => void;
  readonly cancel: (operation: Operation) => void;
}

const PLAIN_OUTCOME: MessageOutcome = {
  succeed: (operation) => {
    operation.succeed();
  },
  fail: (operation, error) => {
    operation.fail(error);
  },
  cancel: (operation) => {
    operation.cancel();
  },
};

/**
 * Records one message around everything NestJS does for it: guards, pipes, the handler and the
 * whole of its answer. An answer that is an Observable ends the record when it completes, fails or
 * is given up.
 */
function recordMessage(
  description: OperationDescription,
  handler: AnyMethod,
  self: unknown,
  args: unknown[],
  outcome: MessageOutcome = PLAIN_OUTCOME,
): unknown {
  if (isTracingSuppressed(context.active())) return handler.apply(self, args);
  const incoming = receiveMessage(args);
  return context.with(withRequestScope(incoming.context), () => {
    const operation = new Operation(description, undefined, incoming.links);
    outcome.begin?.(operation);
    return context.with(operation.context, () =>
      followAnswer(
        () => runInRequestScope(() => handler.apply(self, args)),
        createObserver(operation, outcome),
      ),
    );
  });
}

function createObserver(operation: Operation, outcome: MessageOutcome): ResultObserver {
  return {
    run: (step) => context.with(operation.context, step),
    onSuccess: () => {
      outcome.succeed(operation);
    },
    onError: (error) => {
      outcome.fail(operation, error);
    },
    onCancel: () => {
      outcome.cancel(operation);
    },
  };
}

/**
 * NestJS's handlers are async and resolve to Observables: the promise is only where the answer
 * begins.
 */
function followAnswer(call: () => unknown, observer: ResultObserver): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    observer.onError(error);
    throw error;
  }
  if (typeof result !== 'object' || result === null || !isRunningPromise(result))
    return followValue(result, observer);
  return result.then(
    (value) => followValue(value, observer),
    (error: unknown) => {
      observer.onError(error);
      throw error;
    },
  );
}

function followValue(value: unknown, observer: ResultObserver): unknown {
  if (isObservable(value)) return followResult(asStream(value), observer);
  observer.onSuccess();
  return value;
}

/**
 * What a handler answers with is a stream, even where it is a Subject: elsewhere that would be a
 * plain value.
 */
function asStream(answer: Observable<unknown>): Observable<unknown> {
  return 'next' in answer ? new Observable((subscriber) => answer.subscribe(subscriber)) : answer;
}

/**
 * An `addHandler` that registers, in place of each handler, one that records the messages it is
 * called with.
 */
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

/** How many characters of a pattern that no handler knows are kept. */
const MAX_ORIGINAL = 256;

/** An event that is handled: a CONSUMER span `process user.created`. */
function describeEvent(transport: Transport, pattern: string): OperationDescription {
  return {
    name: `process ${pattern}`,
    kind: SpanKind.CONSUMER,
    attributes: Object.freeze({
      [ATTR_MESSAGING_SYSTEM]: transport,
      [ATTR_MESSAGING_OPERATION_NAME]: 'process',
      [ATTR_MESSAGING_OPERATION_TYPE]: 'process',
      [ATTR_MESSAGING_DESTINATION_NAME]: pattern,
      [ATTR_NESTJS_TRANSPORT]: transport,
    }),
    measure: (outcome) => {
      recordMessageProcessed({ system: transport, destination: pattern, ...outcome });
    },
  };
}

/** A request that is answered: a SERVER span named after its pattern. */
function describeRequest(transport: Transport, pattern: string): OperationDescription {
  return {
    name: pattern,
    kind: SpanKind.SERVER,
    attributes: Object.freeze({
      [ATTR_RPC_SYSTEM_NAME]: 'nestjs',
      [ATTR_RPC_METHOD]: pattern,
      [ATTR_NESTJS_TRANSPORT]: transport,
    }),
    measure: (outcome) => {
      recordRpcServerCall({ system: 'nestjs', transport, method: pattern, ...outcome });
    },
  };
}

/** A gRPC call that is answered: a SERVER span `shop.Orders/Find`. */
function describeGrpcCall(method: string): OperationDescription {
  return {
    name: method,
    kind: SpanKind.SERVER,
    attributes: Object.freeze({
      [ATTR_RPC_SYSTEM_NAME]: 'grpc',
      [ATTR_RPC_METHOD]: method,
      [ATTR_NESTJS_TRANSPORT]: 'grpc',
    }),
    measure: (outcome) => {
      recordRpcServerCall({ system: 'grpc', transport: 'grpc', method, ...outcome });
    },
  };
}

/**
 * A message no handler knows: its pattern comes from the sender and is no name for a span or a
 * metric.
 */
export function describeUnmatched(transport: Transport, isEvent: boolean): OperationDescription {
  const known = isEvent ? describeEvent(transport, '_OTHER') : describeRequest(transport, '_OTHER');
  return { ...known, name: isEvent ? 'process' : 'nestjs' };
}

/** The pattern as the sender wrote it, for the span of a message that no handler knows. */
export function originalPattern(pattern: unknown): Attributes {
  return { [ATTR_RPC_METHOD_ORIGINAL]: String(pattern).slice(0, MAX_ORIGINAL) };
}

/** What is used of the call that grpc-js hands to a handler. */
interface GrpcCall {
  getPath?(): string;
  readonly once?: (event: string | symbol, listener: (error?: unknown) => void) => unknown;
  /** True once the caller has left. */
  readonly cancelled?: boolean;
  /** What sends the answer; with interceptors, the first of a chain. */
  readonly call?: SendingCall;
}

interface SendingCall {
  readonly nextCall?: SendingCall;
  sendStatus?: (status: SentStatus, ...rest: unknown[]) => unknown;
}

/** The status with which a call ends. */
interface SentStatus {
  readonly code?: unknown;
  readonly details?: unknown;
}

/** For a call whose status cannot be followed. */
const GRPC_OUTCOME: MessageOutcome = {
  succeed: (operation) => {
    operation.succeed('OK');
  },
  fail: failCall,
  cancel: (operation) => {
    operation.cancel('CANCELLED');
  },
};

function failCall(operation: Operation, error: unknown): void {
  const statusCode = grpcStatusOf(error);
  operation.fail(error, { statusCode, isError: isServerFault(statusCode) });
}

/**
 * Records the calls that one handler answers; `pattern` is NestJS's:
 * `{"service":"Orders","rpc":"Find","streaming":…}`.
 */
function recordGrpcCalls(handler: AnyMethod, pattern: string): AnyMethod {
  const { fallback, passesThrough } = readPattern(pattern);
  let description: OperationDescription | undefined;
  return function (...args) {
    const call = (passesThrough ? args[0] : args[2]) as GrpcCall | undefined;
    description ??= describeGrpcCall(call?.getPath?.().slice(1) ?? fallback);
    const outcome = passesThrough ? outcomeOfCall(call, args) : outcomeOfAnswer(call);
    return recordMessage(description, handler, this, args, outcome);
  };
}

/**
 * The result of a handler is not yet the answer: serialising it may fail, or it may be larger than
 * allowed. The call has succeeded when grpc-js sends the status `OK`.
 */
function outcomeOfAnswer(call: GrpcCall | undefined): MessageOutcome {
  const sender = senderOf(call);
  if (sender === undefined) return GRPC_OUTCOME;
  return {
    begin: (operation) => {
      followStatus(sender, call, operation);
    },
    // A caller who has left gets no status.
    succeed: (operation) => {
      call?.once?.('cancelled', () => {
        operation.cancel('CANCELLED');
      });
    },
    fail: failCall,
    cancel: GRPC_OUTCOME.cancel,
  };
}

/** The last of the chain: the interceptors have seen the status when it gets there. */
function senderOf(call: GrpcCall | undefined): SendingCall | undefined {
  let sender = call?.call;
  while (sender?.nextCall !== undefined) sender = sender.nextCall;
  return typeof sender?.sendStatus === 'function' ? sender : undefined;
}

/**
 * Ends the operation with the status that is sent, whichever part of grpc-js or of the application
 * sends it.
 */
function followStatus(sender: SendingCall, call: GrpcCall | undefined, operation: Operation): void {
  const { sendStatus } = sender;
  sender.sendStatus = function (status, ...rest) {
    // Ending a stream whose caller has left sends no OK.
    if (status.code === 0 && call?.cancelled === true) operation.cancel('CANCELLED');
    else if (status.code === 0) operation.succeed('OK');
    else failCall(operation, Object.assign(new GrpcFailure(String(status.details)), { code: status.code }));
    return sendStatus?.call(this, status, ...rest);
  };
}

/** A status that no exception of the handler explains. */
class GrpcFailure extends Error {
  override readonly name = 'GrpcError';

  constructor(message: string) {
    super(message);
    // The stack would be that of grpc-js.
    delete this.stack;
  }
}

/**
 * A handler of `@GrpcStreamCall()` has the call to itself and answers long after it has returned:
 * the call tells how it ended, or the callback does where there is one.
 */
function outcomeOfCall(call: GrpcCall | undefined, args: unknown[]): MessageOutcome {
  if (typeof call?.once !== 'function') return GRPC_OUTCOME;
  const sender = senderOf(call);
  return {
    begin: (operation) => {
      if (sender !== undefined) followStatus(sender, call, operation);
      call.once?.('cancelled', () => {
        operation.cancel('CANCELLED');
      });
      // A monitor: a listener would keep Node from reporting an error that nobody handles.
      call.once?.(errorMonitor, (error) => {
        failCall(operation, error);
      });
      call.once?.('finish', () => {
        operation.succeed('OK');
      });
      if (typeof args[1] === 'function') args[1] = settleWith(operation, args[1] as AnyMethod, sender);
    },
    succeed: () => undefined,
    fail: failCall,
    cancel: GRPC_OUTCOME.cancel,
  };
}

function settleWith(operation: Operation, callback: AnyMethod, sender: SendingCall | undefined): AnyMethod {
  return function (...answer) {
    const [error] = answer;
    if (error !== null && error !== undefined) failCall(operation, error);
    else if (sender === undefined) operation.succeed('OK');
    return callback.apply(this, answer);
  };
}

function readPattern(pattern: string): { fallback: string; passesThrough: boolean } {
  try {
    const { service, rpc, streaming } = JSON.parse(pattern) as Record<string, string>;
    return { fallback: `${service}/${rpc}`, passesThrough: streaming === 'pt_stream' };
  } catch {
    // A pattern that a server of the application's own has made: as good a name as any.
    return { fallback: pattern, passesThrough: false };
  }
}
