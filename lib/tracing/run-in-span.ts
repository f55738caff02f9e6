import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanOptions,
  trace,
  type Tracer,
} from '@opentelemetry/api';

import { textOf } from '../engine/copy-bounded.js';
import { warnOnce } from '../errors/warnings.js';
import { followResult } from '../invocation/follow-result.js';
import { type ResultObserver, Settlement } from '../invocation/settlement.js';
import { enterContext } from '../runtime/registered-globals.js';
import { shouldStartSpan } from '../runtime/tracers.js';
import { type ErrorPredicate, recordFailure } from './error-policy.js';

/** The argument of `fn` where no telemetry runs: a span that records nothing. */
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

export interface RunInSpanOptions extends SpanOptions {
  /** Decides whether what was thrown marks the span; default: any throw but an `HttpException` below 500. */
  isError?: ErrorPredicate | undefined;
}

/**
 * Runs `fn` with a new span active and returns what it returns. The span ends exactly once: when a sync call
 * returns, a promise settles, an Observable completes or is unsubscribed, an iterator is exhausted or left, a stream
 * closes. Errors are recorded and rethrown unchanged. `fn` runs even if the span cannot be started.
 *
 * Service, decorators and instrumentation use this function or a `SpanCall`.
 */
export function runInSpan<T>(
  tracer: Tracer,
  name: string,
  options: RunInSpanOptions,
  fn: (span: Span) => T,
): T {
  const caller = context.active();
  if (!shouldStartSpan(options, caller)) return fn(trace.getSpan(caller) ?? NO_SPAN);
  const call = new SpanCall(tracer, name, options, caller);
  let result: T;
  try {
    result = call.enter() ? fn(call.span) : context.with(call.active, fn, undefined, call.span);
  } catch (error) {
    throw call.threw(error);
  }
  return call.returned(result);
}

/**
 * One call in its own span. The wrapper of a method calls it between `enter()` and `returned()` or `threw()`, so that a
 * stack trace has one frame of this library only:
 *
 * @example
 * const call = new SpanCall(tracer, name, options, caller);
 * let result: unknown;
 * try {
 *   result = call.enter() ? original.apply(this, args) : call.run(() => original.apply(this, args));
 * } catch (error) {
 *   throw call.threw(error);
 * }
 * return call.returned(result);
 */
export class SpanCall implements ResultObserver {
  readonly span: Span;
  readonly active: Context;
  private previous: Context | undefined;

  constructor(
    private readonly tracer: Tracer,
    private readonly name: string,
    private readonly options: RunInSpanOptions,
    private readonly parent: Context,
  ) {
    this.span = startSpanSafely(tracer, name, options, parent);
    this.active = trace.setSpan(parent, this.span);
  }

  /** Makes the span active until the call has returned; false where only `run` can. */
  enter(): boolean {
    this.previous = enterContext(this.active);
    return this.previous !== undefined;
  }

  /** Records the error, ends the span unless it has ended, and returns the error. */
  threw(error: unknown): unknown {
    this.leave();
    new Settlement(this).fail(error);
    return error;
  }

  /** Returns what the caller must get for `result`; the span ends when that work does. */
  returned<T>(result: T): T {
    this.leave();
    return followResult(result, this);
  }

  run<R>(step: () => R): R {
    return context.with(this.active, step);
  }

  onSuccess(): void {
    this.span.end();
  }

  onError(error: unknown): void {
    try {
      recordFailure(this.span, error, this.options.isError);
    } finally {
      this.span.end();
    }
  }

  onCancel(): void {
    this.span.addEvent('cancelled');
    this.span.end();
  }

  onResubscribe(): ResultObserver {
    return new SpanCall(this.tracer, this.name, this.options, this.parent);
  }

  private leave(): void {
    if (this.previous === undefined) return;
    enterContext(this.previous);
    this.previous = undefined;
  }
}

/** Our tracers never throw. One of another SDK may: then the call runs without its own span. */
export function startSpanSafely(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  parent = context.active(),
): Span {
  try {
    return tracer.startSpan(name, options, parent);
  } catch (error) {
    warnOnce('span:foreign', `A span could not be started as it was asked for: ${textOf(error)}`);
  }
  try {
    return tracer.startSpan(textOf(name, 256), {}, parent);
  } catch {
    // A warning was logged above. The call runs in the span above it.
    return trace.getSpan(parent) ?? NO_SPAN;
  }
}
