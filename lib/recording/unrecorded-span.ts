import { type Span, TraceFlags, type TraceState } from '@opentelemetry/api';

import { LocalSpan } from './local-span.js';
import { type TraceId } from './span-identity.js';

/** A span that the sampler did not choose: it has an identity, for log lines and for what is called, and keeps nothing. */
export class UnrecordedSpan extends LocalSpan implements Span {
  constructor(traceId: TraceId, traceState: TraceState | undefined) {
    super(traceId, TraceFlags.NONE, traceState);
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
    // Nothing to hand on.
  }
}
