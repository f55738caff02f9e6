import {
  type Attributes,
  context,
  type ContextManagementToken,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  type SpanStatus,
  type TimeInput,
  trace,
} from '@opentelemetry/api';

import { type Lineage, LINEAGE, lineageOf } from '../recording/lineage.js';
import { type ErrorPredicate, recordFailure } from './error-policy.js';

/**
 * A span that a block owns: `using span = telemetry.startSpan('import')` ends it when the block is left, however it is
 * left. It does not become the active span; `span.run(fn)` makes it so for what `fn` does.
 */
export class TelemetrySpan implements Span, Disposable {
  private token: ContextManagementToken | undefined;

  constructor(
    private readonly span: Span,
    private readonly isError?: ErrorPredicate,
  ) {}

  /** The wrapper stands for its span, also as a parent. */
  get [LINEAGE](): Lineage | undefined {
    return lineageOf(this.span);
  }

  /** Runs `fn` with this span active, so that spans and log lines made in it belong to this span. Does not end it. */
  run<T>(fn: () => T): T {
    return context.with(trace.setSpan(context.active(), this.span), fn);
  }

  /**
   * Makes this span active until it ends. Only where `run` cannot be used: in an async function, before its first
   * `await`, the caller's context changes too.
   */
  activate(): this {
    this.token ??= context.attach(trace.setSpan(context.active(), this.span));
    return this;
  }

  /** Records what was caught and, by the error policy, marks the span as failed. */
  fail(error: unknown): this {
    recordFailure(this.span, error, this.isError);
    return this;
  }

  spanContext(): SpanContext {
    return this.span.spanContext();
  }

  setAttribute(key: string, value: Attributes[string]): this {
    this.span.setAttribute(key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    this.span.setAttributes(attributes);
    return this;
  }

  addEvent(name: string, attributesOrStartTime?: Attributes | TimeInput, startTime?: TimeInput): this {
    this.span.addEvent(name, attributesOrStartTime, startTime);
    return this;
  }

  addLink(link: Link): this {
    this.span.addLink(link);
    return this;
  }

  addLinks(links: Link[]): this {
    this.span.addLinks(links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.span.setStatus(status);
    return this;
  }

  updateName(name: string): this {
    this.span.updateName(name);
    return this;
  }

  end(endTime?: TimeInput): void {
    this.token?.dispose();
    this.token = undefined;
    if (this.span.isRecording()) this.span.end(endTime);
  }

  isRecording(): boolean {
    return this.span.isRecording();
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.span.recordException(exception, time);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
