import { TraceFlags } from '@opentelemetry/api';
import { type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { RecordedSpan } from '../../../recording/recorded-span.js';
import { encodeSpan } from './encode-span.js';
import { type EncodedQueue } from './encoded-queue.js';

/** Encodes each sampled span when it ends; stands in for the SDK's batch processor in front of an OTLP exporter. */
export class EncodingSpanProcessor implements SpanProcessor {
  constructor(private readonly queue: EncodedQueue) {}

  onStart(): void {
    // A span is of interest when it is complete.
  }

  onEnd(span: ReadableSpan): void {
    const flags = span instanceof RecordedSpan ? span.traceFlags : span.spanContext().traceFlags;
    if ((flags & TraceFlags.SAMPLED) !== 0)
      this.queue.add(span, span.instrumentationScope, span.resource, encodeSpan);
  }

  forceFlush(): Promise<void> {
    return this.queue.flush();
  }

  shutdown(): Promise<void> {
    return this.queue.shutdown();
  }
}
