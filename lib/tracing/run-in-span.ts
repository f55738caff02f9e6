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
  { isError, ...spanOptions }: RunInSpanOptions,
  fn: (span: Span) => T,
): T {
  if (!opensSpan(spanOptions)) return fn(trace.getActiveSpan() ?? NO_SPAN);
  const parent = context.active();
  const span = tracer.startSpan(name, spanOptions, parent);
  return invokeAndFollow(
    () => fn(span),
    observeSpan(span, parent, isError, () => tracer.startSpan(name, spanOptions, parent)),
  );
}

function observeSpan(
  span: Span,
  parent: Context,
  isError: ErrorPredicate | undefined,
  startAgain: () => Span,
): ResultObserver {
  const active = trace.setSpan(parent, span);
  return {
    run: (step) => context.with(active, step),
    onSuccess: () => {
      span.end();
    },
    onError: (error) => {
      recordFailure(span, error, isError);
      span.end();
    },
    onCancel: () => {
      span.addEvent('cancelled');
      span.end();
    },
    onResubscribe: () => observeSpan(startAgain(), parent, isError, startAgain),
  };
}
