import { errorMonitor } from 'node:events';

import { SpanKind } from '@opentelemetry/api';

import {
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM_NAME,
} from '../../../config/semantic-conventions.constants.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { recordRpcServerCall } from '../../../metrics/rpc-metrics.js';
import { grpcStatusOf, isServerFault } from '../grpc-status.js';
import { type Operation, type OperationDescription } from '../operation.js';
import { type MessageOutcome, recordMessage } from './record-messages.js';

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
export function recordGrpcCalls(handler: AnyMethod, pattern: string): AnyMethod {
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
