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

import { textOf } from '../engine/copy-bounded.js';
import { LINEAGE, type Lineage, lineageOf } from '../engine/lineage.js';
import { warnOnce } from '../errors/warnings.js';
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
    return this.attempt(() => {
      recordFailure(this.span, error, this.isError);
    });
  }

  spanContext(): SpanContext {
    return this.span.spanContext();
  }

  setAttribute(key: string, value: Attributes[string]): this {
    return this.attempt(() => this.span.setAttribute(key, value));
  }

  setAttributes(attributes: Attributes): this {
    return this.attempt(() => this.span.setAttributes(attributes));
  }

  addEvent(name: string, attributesOrStartTime?: Attributes | TimeInput, startTime?: TimeInput): this {
    return this.attempt(() => this.span.addEvent(name, attributesOrStartTime, startTime));
  }

  addLink(link: Link): this {
    return this.attempt(() => this.span.addLink(link));
  }

  addLinks(links: Link[]): this {
    return this.attempt(() => this.span.addLinks(links));
  }

  setStatus(status: SpanStatus): this {
    return this.attempt(() => this.span.setStatus(status));
  }

  updateName(name: string): this {
    return this.attempt(() => this.span.updateName(name));
  }

  end(endTime?: TimeInput): void {
    this.token?.dispose();
    this.token = undefined;
    this.attempt(() => {
      if (this.span.isRecording()) this.span.end(endTime);
    });
  }

  isRecording(): boolean {
    return this.span.isRecording();
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.attempt(() => {
      this.span.recordException(exception, time);
    });
  }

  [Symbol.dispose](): void {
    this.end();
  }

  /** Only a span of an SDK of the application's own throws: those of ours take any value. */
  private attempt(call: () => unknown): this {
    try {
      call();
    } catch (error) {
      warnOnce('span:foreign', `A span could not take what it was given: ${textOf(error)}`);
    }
    return this;
  }
}
