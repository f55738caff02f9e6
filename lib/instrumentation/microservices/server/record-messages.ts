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
import { Operation, type OperationDescription } from '../operation.js';
import { type Transport } from '../transports.js';
import { receiveMessage } from './incoming-message.js';

/** How the end of a message is recorded where its transport knows more than that it is over. */
export interface MessageOutcome {
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
export function recordMessage(
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

/** How many characters of a pattern that no handler knows are kept. */
const MAX_ORIGINAL = 256;

/** An event that is handled: a CONSUMER span `process user.created`. */
export function describeEvent(transport: Transport, pattern: string): OperationDescription {
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
export function describeRequest(transport: Transport, pattern: string): OperationDescription {
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
