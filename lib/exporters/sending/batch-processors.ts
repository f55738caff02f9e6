import { TraceFlags } from '@opentelemetry/api';
import { type LogRecordProcessor, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { RecordedSpan } from '../../recording/recorded-span.js';
import { estimateLogRecordBytes, estimateSpanBytes, type ItemBatcher } from './item-batcher.js';

/** Collects sampled spans as objects; in place of the SDK's batch processor, whose queue has no bound of bytes. */
export class ItemSpanProcessor implements SpanProcessor {
  constructor(private readonly batcher: ItemBatcher<ReadableSpan>) {}

  onStart(): void {
    // A span is of interest when it is complete.
  }

  onEnd(span: ReadableSpan): void {
    const flags = span instanceof RecordedSpan ? span.traceFlags : span.spanContext().traceFlags;
    if ((flags & TraceFlags.SAMPLED) !== 0) this.batcher.add(span, estimateSpanBytes);
  }

  forceFlush(): Promise<void> {
    return this.batcher.flush();
  }

  shutdown(): Promise<void> {
    return this.batcher.shutdown();
  }
}

/** Collects log records as objects; in place of the SDK's batch processor, whose queue has no bound of bytes. */
export class ItemLogRecordProcessor implements LogRecordProcessor {
  constructor(private readonly batcher: ItemBatcher<ReadableLogRecord>) {}

  onEmit(record: ReadableLogRecord): void {
    this.batcher.add(record, estimateLogRecordBytes);
  }

  forceFlush(): Promise<void> {
    return this.batcher.flush();
  }

  shutdown(): Promise<void> {
    return this.batcher.shutdown();
  }
}
