import { type Span, type SpanContext, TraceFlags, type TraceState } from '@opentelemetry/api';

import { LocalSpan } from './local-span.js';
import { type TraceId } from './span-identity.js';

/** A span that the sampler did not choose: it has an identity, for log lines and for what is called, and records only that it ended. */
export class UnrecordedSpan extends LocalSpan implements Span {
  endedAt = 0;

  constructor(
    traceId: TraceId,
    traceState: TraceState | undefined,
    parent: LocalSpan | SpanContext | undefined,
  ) {
    super(traceId, TraceFlags.NONE, traceState, parent);
  }

  get span(): Span {
    return this;
  }

  isRecording(): boolean {
    return false;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  recordException(): void {
    // Kept nowhere.
  }

  end(): void {
    if (this.over) return;
    this.noteEnd();
    this.endedAt = performance.now();
  }
}
