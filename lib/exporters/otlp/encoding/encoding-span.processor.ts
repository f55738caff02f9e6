import { TraceFlags } from '@opentelemetry/api';
import { type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { RecordedSpan } from '../../../recording/recorded-span.js';
import { encodeSpan } from './encode-span.js';
import { type EncodedBatcher } from './encoded-batcher.js';

/** Encodes each sampled span when it ends; stands in for the SDK's batch processor in front of an OTLP exporter. */
export class EncodingSpanProcessor implements SpanProcessor {
  constructor(private readonly batcher: EncodedBatcher) {}

  onStart(): void {
    // A span is of interest when it is complete.
  }

  onEnd(span: ReadableSpan): void {
    const flags = span instanceof RecordedSpan ? span.traceFlags : span.spanContext().traceFlags;
    if ((flags & TraceFlags.SAMPLED) !== 0)
      this.batcher.add(span, span.instrumentationScope, span.resource, encodeSpan);
  }

  forceFlush(): Promise<void> {
    return this.batcher.flush();
  }

  shutdown(): Promise<void> {
    return this.batcher.shutdown();
  }
}
