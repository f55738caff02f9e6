import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';

import { ATTR_ERROR_TYPE, ATTR_RPC_STATUS_CODE } from '../../config/semantic-conventions.constants.js';
import { type GrpcStatus } from '../../errors/grpc-status.js';
import { type ResultObserver } from '../../invocation/settlement.js';
import { endRequestScope } from '../../logging/request-scope.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../tracing/error-policy.js';
import { type OperationDescription } from './descriptions.js';
import { isServerFault } from './grpc-status.js';

const SCOPE = 'nestjs-telemetry/microservices';

/**
 * One message or call: its span where one is started, its context and its duration. It begins when
 * it is made, below the active context, and ends with the first of `succeed`, `fail` and `cancel`.
 */
export class Operation implements ResultObserver {
  readonly context: Context;
  private readonly span: Span | undefined;
  private readonly startedAt = performance.now();
  private over = false;

  constructor(
    private readonly description: OperationDescription,
    attributes?: Attributes,
    links: Link[] = [],
  ) {
    const parent = context.active();
    if (!shouldStartSpan()) {
      this.context = parent;
      return;
    }
    const { name, kind } = description;
    const all =
      attributes === undefined ? description.attributes : { ...description.attributes, ...attributes };
    this.span = tracerFor(SCOPE).startSpan(name, { kind, attributes: all, links }, parent);
    this.context = trace.setSpan(parent, this.span);
  }

  succeed(statusCode?: GrpcStatus): void {
    if (this.take()) this.finish(undefined, statusCode);
  }

  fail(error: unknown): void {
    if (!this.take()) return;
    const failure = this.failureBelow(error);
    if (this.span !== undefined) recordFailure(this.span, failure);
    this.finish(errorTypeOf(failure), undefined);
  }

  /**
   * The status of a gRPC call is its `error.type`, and shows whether the error is one of the call.
   *
   * @param isError default: whether the conventions count the status as the server's fault
   */
  failWithStatus(error: unknown, statusCode: GrpcStatus, isError = isServerFault(statusCode)): void {
    if (!this.take()) return;
    if (this.span !== undefined) {
      recordFailure(this.span, this.failureBelow(error), () => isError);
      if (isError) this.span.setAttribute(ATTR_ERROR_TYPE, statusCode);
    }
    this.finish(isError ? statusCode : undefined, statusCode);
  }

  /** The caller went away before there was an answer: that is no failure of the work. */
  cancel(statusCode?: GrpcStatus): void {
    if (!this.take()) return;
    this.span?.addEvent('cancelled');
    this.finish('cancelled', statusCode);
  }

  run<R>(step: () => R): R {
    return context.with(this.context, step);
  }

  onSuccess(): void {
    this.succeed();
  }

  onError(error: unknown): void {
    this.fail(error);
  }

  onCancel(): void {
    this.cancel();
  }

  private finish(errorType: string | undefined, statusCode: GrpcStatus | undefined): void {
    if (statusCode !== undefined) this.span?.setAttribute(ATTR_RPC_STATUS_CODE, statusCode);
    const durationSeconds = (performance.now() - this.startedAt) / 1000;
    this.description.measure({ durationSeconds, errorType, statusCode, context: this.context });
    this.span?.end();
    const { kind } = this.description;
    if (kind === SpanKind.SERVER || kind === SpanKind.CONSUMER) endRequestScope(this.context);
  }

  /** The error that was thrown below the span, if it was seen; else what the answer contains. */
  private failureBelow(error: unknown): unknown {
    return (this.span === undefined ? undefined : thrownBelow.get(this.span)) ?? asFailure(error);
  }

  private take(): boolean {
    const first = !this.over;
    this.over = true;
    return first;
  }
}

/** What was thrown below a span, before an exception filter turned it into an answer. */
const thrownBelow = new WeakMap<Span, unknown>();

export function noteThrown(span: Span, exception: unknown): void {
  thrownBelow.set(span, exception);
}

/** The failure to record: of anything but an error its message only, the rest may be payload. */
function asFailure(error: unknown): unknown {
  if (error instanceof Error) return error;
  if (typeof error !== 'object' || error === null) return remoteFailure(error);
  // An error of another realm, or of a library that makes its own.
  if ('stack' in error && typeof error.stack === 'string') return error;
  return remoteFailure('message' in error ? error.message : undefined);
}

/** A failure that crossed a transport as a text or a plain object, which name no class. */
function remoteFailure(message: unknown): Error {
  return failureOf('RpcException', typeof message === 'string' ? message : 'the answer was an error');
}

/** A failure that was not thrown here: a stack would be that of the transport. */
export function failureOf(name: string, message: string): Error {
  const failure = new Error(message);
  failure.name = name;
  delete failure.stack;
  return failure;
}

/** Whether messages are recorded now: telemetry runs, and the switch is on. */
export function isMicroservicesEnabled(): boolean {
  return currentRuntime()?.config.instrumentation.microservices === true;
}
