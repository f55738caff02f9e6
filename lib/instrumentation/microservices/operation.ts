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
import { endRequestScope } from '../../logging/request-scope.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../tracing/error-policy.js';

const SCOPE = 'nestjs-telemetry/microservices';

/** How an operation ended and how long it took, for its metric. */
interface MeasuredOutcome {
  readonly durationSeconds: number;
  /** Class names, codes and status names; undefined when all went well. */
  readonly errorType: string | undefined;
  readonly statusCode: GrpcStatus | undefined;
  /** Carries the span, for exemplars. */
  readonly context: Context;
}

/** What all operations of one pattern have in common; made once. */
export interface OperationDescription {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  measure(outcome: MeasuredOutcome): void;
}

/** What is known of a failure beside what was thrown. */
interface FailureDetails {
  /** The status a gRPC call answered with; it is the `error.type` then. */
  readonly statusCode?: GrpcStatus;
  /** Whether the span is marked; default the error policy decides. */
  readonly isError?: boolean;
}

/**
 * One message or call: its span where one is opened, its context and its duration. It begins when
 * it is made, below the active context, and ends with the first of `succeed`, `fail` and `cancel`.
 */
export class Operation {
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

  fail(error: unknown, { statusCode, isError }: FailureDetails = {}): void {
    if (!this.take()) return;
    const { span } = this;
    const failure = failureBelow(span, error);
    const errorType = isError === false ? undefined : (statusCode ?? errorTypeOf(failure));
    if (span !== undefined) {
      recordFailure(span, failure, isError === undefined ? undefined : () => isError);
      if (statusCode !== undefined && isError !== false) span.setAttribute(ATTR_ERROR_TYPE, statusCode);
    }
    this.finish(errorType, statusCode);
  }

  /** The caller went away before there was an answer: that is no failure of the work. */
  cancel(statusCode?: GrpcStatus): void {
    if (!this.take()) return;
    this.span?.addEvent('cancelled');
    this.finish('cancelled', statusCode);
  }

  private finish(errorType: string | undefined, statusCode: GrpcStatus | undefined): void {
    const { span } = this;
    if (statusCode !== undefined) span?.setAttribute(ATTR_RPC_STATUS_CODE, statusCode);
    const durationSeconds = (performance.now() - this.startedAt) / 1000;
    this.description.measure({ durationSeconds, errorType, statusCode, context: this.context });
    span?.end();
    const { kind } = this.description;
    if (kind === SpanKind.SERVER || kind === SpanKind.CONSUMER) endRequestScope(this.context);
  }

  private take(): boolean {
    const first = !this.over;
    this.over = true;
    return first;
  }
}

/**
 * A failure as it crosses a transport: there it is a text or a plain object, which name no class.
 */
class RpcFailure extends Error {
  override readonly name = 'RpcException';

  constructor(message: string) {
    super(message);
    // The stack would be that of the transport.
    delete this.stack;
  }
}

/**
 * The failure to record: an error as it is; of anything else its message only, the rest may be
 * payload.
 */
function asFailure(error: unknown): unknown {
  if (error instanceof Error || isErrorLike(error)) return error;
  if (typeof error === 'string') return new RpcFailure(error);
  const message: unknown =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined;
  return new RpcFailure(typeof message === 'string' ? message : 'the answer was an error');
}

/** An error of another realm, or of a library that builds its own. */
function isErrorLike(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'stack' in error && typeof error.stack === 'string';
}

/** What was thrown below a span, before an exception filter turned it into an answer. */
const thrownBelow = new WeakMap<Span, unknown>();

export function noteThrown(span: Span, exception: unknown): void {
  thrownBelow.set(span, exception);
}

/** The thrown error if it was seen, else what the answer says. */
function failureBelow(span: Span | undefined, error: unknown): unknown {
  return (span === undefined ? undefined : thrownBelow.get(span)) ?? asFailure(error);
}

/** Whether messages are recorded now: telemetry runs, and the switch is on. */
export function isMicroservicesEnabled(): boolean {
  return currentRuntime()?.config.instrumentation.microservices === true;
}
