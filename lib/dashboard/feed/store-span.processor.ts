import { TraceFlags } from '@opentelemetry/api';
import { type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { RecordedSpan } from '../../recording/recorded-span.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { toStoredSpan } from './to-stored-span.js';

/** Hands each sampled span to the store when it ends; its row is made later, when it is written. */
export class StoreSpanProcessor implements SpanProcessor {
  constructor(private readonly store: TelemetryStore) {}

  onStart(): void {
    // A span is of interest when it is complete.
  }

  onEnd(span: ReadableSpan): void {
    const flags = span instanceof RecordedSpan ? span.traceFlags : span.spanContext().traceFlags;
    if ((flags & TraceFlags.SAMPLED) !== 0) this.store.addSpan(span, toStoredSpan);
  }

  forceFlush(): Promise<void> {
    return this.store.flush();
  }

  shutdown(): Promise<void> {
    // Whoever opened the store closes it: metrics and log lines may still come.
    return this.store.flush();
  }
}
