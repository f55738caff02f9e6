import {
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanOptions,
  trace,
  type Tracer,
  type TracerProvider as ApiTracerProvider,
} from '@opentelemetry/api';
import { TracerProvider, type TracerProviderOptions } from '@opentelemetry/sdk-trace';

import {
  ENDED_BEFORE_PARENT,
  LINEAGE,
  type Lineage,
  lineageOf,
  markTurn,
  optionsAfterEnd,
} from './lineage.js';

type ActiveSpanArguments<F> = [F] | [SpanOptions, F] | [SpanOptions, Context, F];

/**
 * OpenTelemetry's tracer provider with the one rule that its spans lack: what begins after the trace of its parent has
 * ended starts its own trace, with a link.
 */
export class SdkTracerProvider implements ApiTracerProvider {
  private readonly provider: TracerProvider;
  private readonly tracers = new WeakMap<Tracer, SdkTracer>();

  /** @param guard changes what the SDK's tracers and spans take; their `end` is called through an own property here */
  constructor(options: TracerProviderOptions, guard?: (provider: ApiTracerProvider) => void) {
    this.provider = new TracerProvider(options);
    guard?.(this.provider);
  }

  getTracer(...scope: Parameters<ApiTracerProvider['getTracer']>): Tracer {
    const tracer = this.provider.getTracer(...scope);
    let following = this.tracers.get(tracer);
    if (following === undefined) {
      following = new SdkTracer(tracer);
      this.tracers.set(tracer, following);
    }
    return following;
  }

  forceFlush(): Promise<void> {
    return this.provider.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.provider.shutdown();
  }
}

class SdkTracer implements Tracer {
  constructor(private readonly tracer: Tracer) {}

  startSpan(name: string, options: SpanOptions = {}, parentContext: Context = context.active()): Span {
    const parent = options.root === true ? undefined : lineageOf(trace.getSpan(parentContext));
    const late = parent?.ended === true ? optionsAfterEnd(parent, options) : undefined;
    const span = this.tracer.startSpan(name, late ?? options, parentContext);
    // Below suppressed tracing there is no span, and nothing to follow.
    if (isSpanContextValid(span.spanContext())) followLife(span, late === undefined ? parent : undefined);
    return span;
  }

  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: ActiveSpanArguments<F>
  ): ReturnType<F> {
    const fn = rest.at(-1) as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const parent = rest.length > 2 ? (rest[1] as Context) : context.active();
    const span = this.startSpan(name, options, parent);
    // The span is passed as an argument: a closure would be a frame more in each stack trace.
    return context.with(trace.setSpan(parent, span), fn as (span: Span) => ReturnType<F>, undefined, span);
  }
}

class SdkLineage implements Lineage {
  shortcut: Lineage | undefined;
  ended = false;
  endedTurn = ENDED_BEFORE_PARENT;
  endedAt = 0;

  constructor(
    readonly span: Span,
    readonly localParent: Lineage | undefined,
  ) {}
}

/** Notes the end of a span; one that is not recorded does not know whether it has ended. */
function followLife(span: Span & { [LINEAGE]?: Lineage }, localParent: Lineage | undefined): void {
  const lineage = new SdkLineage(span, localParent);
  span[LINEAGE] = lineage;
  const end = span.end.bind(span);
  span.end = (endTime) => {
    if (!lineage.ended) {
      lineage.ended = true;
      if (localParent === undefined || localParent.ended) lineage.endedTurn = markTurn();
      lineage.endedAt = performance.now();
    }
    end(endTime);
  };
}
