import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanOptions,
  trace,
  type Tracer,
} from '@opentelemetry/api';

import { invokeAndFollow } from '../invocation/follow-result.js';
import { type ResultObserver } from '../invocation/result-observer.interface.js';
import { opensSpan } from '../runtime/opens-span.js';
import { type ErrorPredicate, recordFailure } from './error-policy.js';

/** What `fn` is given where no telemetry runs: a span that records nothing. */
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

export interface RunInSpanOptions extends SpanOptions {
  /** Decides whether what was thrown marks the span; default: any throw but an `HttpException` below 500. */
  isError?: ErrorPredicate | undefined;
}

/**
 * Runs `fn` with a new span active and gives back what it returns. The span ends exactly once: when a sync call
 * returns, a promise settles, an Observable completes or is unsubscribed, an iterator is exhausted or left, a stream
 * closes. What is thrown is recorded and rethrown, the same object.
 *
 * Service, decorators and instrumentation all end here.
 */
export function runInSpan<T>(
  tracer: Tracer,
  name: string,
  options: RunInSpanOptions,
  fn: (span: Span) => T,
): T {
  const caller = context.active();
  if (!opensSpan(options, caller)) return fn(trace.getSpan(caller) ?? NO_SPAN);
  return runInNewSpan(tracer, name, options, caller, fn);
}

/** The same for whoever has asked already whether a span opens below `caller`, the active context. */
export function runInNewSpan<T>(
  tracer: Tracer,
  name: string,
  options: RunInSpanOptions,
  caller: Context,
  fn: (span: Span) => T,
): T {
  const observer = new SpanObserver(tracer, name, options, caller);
  return invokeAndFollow(() => fn(observer.span), observer);
}

/** Keeps one span active while the work runs, and ends it as the work ended. */
class SpanObserver implements ResultObserver {
  readonly span: Span;
  private readonly active: Context;

  constructor(
    private readonly tracer: Tracer,
    private readonly name: string,
    private readonly options: RunInSpanOptions,
    private readonly parent: Context,
  ) {
    this.span = tracer.startSpan(name, options, parent);
    this.active = trace.setSpan(parent, this.span);
  }

  run<R>(step: () => R): R {
    return context.with(this.active, step);
  }

  onSuccess(): void {
    this.span.end();
  }

  onError(error: unknown): void {
    recordFailure(this.span, error, this.options.isError);
    this.span.end();
  }

  onCancel(): void {
    this.span.addEvent('cancelled');
    this.span.end();
  }

  onResubscribe(): ResultObserver {
    return new SpanObserver(this.tracer, this.name, this.options, this.parent);
  }
}
