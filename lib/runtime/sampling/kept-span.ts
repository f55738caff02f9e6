import { type Attributes, type HrTime, type Link, type SpanContext, TraceFlags } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

/**
 * An ended span as processors and exporters see it once its trace is kept: sampled, which it was not when it started.
 * Its own context stays as it was, since it was propagated like that.
 */
export class KeptSpan implements ReadableSpan {
  readonly parentSpanContext?: SpanContext;
  private readonly sampledContext: SpanContext;

  constructor(private readonly span: ReadableSpan) {
    const spanContext = span.spanContext();
    this.sampledContext = { ...spanContext, traceFlags: spanContext.traceFlags | TraceFlags.SAMPLED };
    if (span.parentSpanContext !== undefined) this.parentSpanContext = span.parentSpanContext;
  }

  spanContext(): SpanContext {
    return this.sampledContext;
  }

  get name(): string {
    return this.span.name;
  }

  get kind(): ReadableSpan['kind'] {
    return this.span.kind;
  }

  get startTime(): HrTime {
    return this.span.startTime;
  }

  get endTime(): HrTime {
    return this.span.endTime;
  }

  get duration(): HrTime {
    return this.span.duration;
  }

  get ended(): boolean {
    return this.span.ended;
  }

  get status(): ReadableSpan['status'] {
    return this.span.status;
  }

  get attributes(): Attributes {
    return this.span.attributes;
  }

  get links(): Link[] {
    return this.span.links;
  }

  get events(): ReadableSpan['events'] {
    return this.span.events;
  }

  get resource(): ReadableSpan['resource'] {
    return this.span.resource;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return this.span.instrumentationScope;
  }

  get droppedAttributesCount(): number {
    return this.span.droppedAttributesCount;
  }

  get droppedEventsCount(): number {
    return this.span.droppedEventsCount;
  }

  get droppedLinksCount(): number {
    return this.span.droppedLinksCount;
  }
}
