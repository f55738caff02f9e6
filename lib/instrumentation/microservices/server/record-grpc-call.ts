import { errorMonitor } from 'node:events';

import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { grpcStatusOf, isServerFault } from '../grpc-status.js';
import { type Operation, type OperationDescription } from '../operation.js';
import { describeGrpcCall } from './describe-handler.js';
import { type MessageOutcome, recordMessage } from './record-messages.js';

/** What is used of the call that grpc-js hands to a handler. */
interface GrpcCall {
  getPath?(): string;
  readonly once?: (event: string | symbol, listener: (error?: unknown) => void) => unknown;
}

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

/** Records the calls that one handler answers; `pattern` is NestJS's: `{"service":"Orders","rpc":"Find","streaming":…}`. */
export function recordGrpcCalls(handler: AnyMethod, pattern: string): AnyMethod {
  const { fallback, passesThrough } = readPattern(pattern);
  let description: OperationDescription | undefined;
  return function (...args) {
    const call = (passesThrough ? args[0] : args[2]) as GrpcCall | undefined;
    description ??= describeGrpcCall(call?.getPath?.().slice(1) ?? fallback);
    if (!passesThrough) return recordMessage(description, handler, this, args, GRPC_OUTCOME);
    return recordMessage(description, handler, this, args, outcomeOfCall(call, args));
  };
}

/**
 * A handler of `@GrpcStreamCall()` has the call to itself and answers long after it has returned: the call tells how it
 * ended, or the callback does where there is one.
 */
function outcomeOfCall(call: GrpcCall | undefined, args: unknown[]): MessageOutcome {
  if (typeof call?.once !== 'function') return GRPC_OUTCOME;
  return {
    begin: (operation) => {
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
      if (typeof args[1] === 'function') args[1] = settleWith(operation, args[1] as AnyMethod);
    },
    succeed: () => undefined,
    fail: failCall,
    cancel: GRPC_OUTCOME.cancel,
  };
}

function settleWith(operation: Operation, callback: AnyMethod): AnyMethod {
  return function (...answer) {
    const [error] = answer;
    if (error === null || error === undefined) operation.succeed('OK');
    else failCall(operation, error);
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
