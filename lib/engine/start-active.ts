import { type Context, context, type Span, type SpanOptions, trace, type Tracer } from '@opentelemetry/api';

/** Whether a value is a context; never throws. */
export function isContext(value: unknown): value is Context {
  try {
    return typeof value === 'object' && value !== null && typeof (value as Context).getValue === 'function';
  } catch {
    return false;
  }
}

/** What `startActiveSpan` does with its arguments, which may leave options and context out. */
export function startActive<F extends (span: Span) => unknown>(
  tracer: Tracer,
  name: string,
  rest: readonly unknown[],
): ReturnType<F> {
  const fn = rest.at(-1) as (span: Span) => ReturnType<F>;
  const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
  const parent = rest.length > 2 && isContext(rest[1]) ? rest[1] : context.active();
  const span = tracer.startSpan(name, options, parent);
  // The span is passed as an argument: a closure would be a frame more in each stack trace.
  return context.with(trace.setSpan(parent, span), fn, undefined, span);
}
