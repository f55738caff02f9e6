import { errorMonitor } from 'node:events';

import { type Link, SpanKind } from '@opentelemetry/api';

import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { describeCall, type OperationDescription } from '../descriptions.js';
import { grpcStatusOf } from '../grpc-status.js';
import { failureOf, Operation } from '../operation.js';
import { recordMessage } from './record-messages.js';

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

/**
 * Records the calls that one handler answers; `pattern` is NestJS's:
 * `{"service":"Orders","rpc":"Find","streaming":…}`.
 */
export function recordGrpcCalls(handler: AnyMethod, pattern: string): AnyMethod {
  const { fallback, passesThrough } = readPattern(pattern);
  let description: OperationDescription | undefined;
  return function (...args) {
    const call = (passesThrough ? args[0] : args[2]) as GrpcCall | undefined;
    const known = (description ??= describeCall(
      SpanKind.SERVER,
      'grpc',
      call?.getPath?.().slice(1) ?? fallback,
    ));
    return recordMessage(handler, this, args, (links) => {
      if (!passesThrough) return new AnsweredCall(known, links, call);
      return typeof call?.once === 'function'
        ? new HandedOverCall(known, links, call, args)
        : new AnsweredCall(known, links, undefined);
    });
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

/**
 * A call that ends with the status that grpc-js sends: the result of a handler is not yet the
 * answer, since serialising it may fail, or it may be larger than allowed.
 */
class AnsweredCall extends Operation {
  /** Where the status cannot be followed, the result of the handler is the end. */
  protected readonly isFollowed: boolean;

  constructor(
    description: OperationDescription,
    links: Link[],
    protected readonly call: GrpcCall | undefined,
  ) {
    super(description, undefined, links);
    const sender = senderOf(call);
    this.isFollowed = sender !== undefined;
    if (sender !== undefined) this.followStatus(sender);
  }

  override fail(error: unknown): void {
    this.failWithStatus(error, grpcStatusOf(error));
  }

  override onSuccess(): void {
    // A caller who has left gets no status.
    if (this.isFollowed) this.call?.once?.('cancelled', this.onCancel);
    else this.succeed('OK');
  }

  override readonly onCancel = (): void => {
    this.cancel('CANCELLED');
  };

  /** Whichever part of grpc-js or of the application sends the status. */
  private followStatus(sender: SendingCall): void {
    const { sendStatus } = sender;
    const end = (status: SentStatus): void => {
      // Ending a stream whose caller has left sends no OK.
      if (status.code === 0 && this.call?.cancelled === true) this.onCancel();
      else if (status.code === 0) this.succeed('OK');
      // No exception of the handler explains it.
      else this.fail(Object.assign(failureOf('GrpcError', String(status.details)), { code: status.code }));
    };
    sender.sendStatus = function (status, ...rest) {
      end(status);
      return sendStatus?.call(this, status, ...rest);
    };
  }
}

/** The last of the chain: the interceptors have seen the status when it gets there. */
function senderOf(call: GrpcCall | undefined): SendingCall | undefined {
  let sender = call?.call;
  while (sender?.nextCall !== undefined) sender = sender.nextCall;
  return typeof sender?.sendStatus === 'function' ? sender : undefined;
}

/**
 * A handler of `@GrpcStreamCall()` has the call to itself and answers long after it has returned:
 * the events of the call show how it ended, or the callback does where there is one.
 */
class HandedOverCall extends AnsweredCall {
  constructor(description: OperationDescription, links: Link[], call: GrpcCall, args: unknown[]) {
    super(description, links, call);
    call.once?.('cancelled', this.onCancel);
    // A monitor: a listener would keep Node from reporting an error that has no handler.
    call.once?.(errorMonitor, (error) => {
      this.fail(error);
    });
    call.once?.('finish', () => {
      this.succeed('OK');
    });
    const callback = args[1];
    if (typeof callback === 'function') args[1] = this.endWith(callback as AnyMethod);
  }

  override onSuccess(): void {
    // The call goes on.
  }

  private endWith(callback: AnyMethod): AnyMethod {
    const end = (error: unknown): void => {
      if (error !== null && error !== undefined) this.fail(error);
      else if (!this.isFollowed) this.succeed('OK');
    };
    return function (...answer) {
      end(answer[0]);
      return callback.apply(this, answer);
    };
  }
}
