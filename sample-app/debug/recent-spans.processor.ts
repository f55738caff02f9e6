import { type FinishedSpan, recordSpan, type SpanProcessor } from './record-span.js';
import { type RecordedSpan } from './recorded-span.interface.js';

/** Keeps the last finished spans of this process in memory, the oldest giving way, so that a trace can be looked at. */
export class RecentSpans implements SpanProcessor {
  private readonly spans: RecordedSpan[] = [];
  private next = 0;

  /** @param capacity how many spans are kept */
  constructor(private readonly capacity = 5_000) {}

  /** The spans of one trace that ended in this process. */
  ofTrace(traceId: string): RecordedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  onStart(): void {
    // Only finished spans are kept.
  }

  onEnd(span: FinishedSpan): void {
    this.spans[this.next] = recordSpan(span);
    this.next = (this.next + 1) % this.capacity;
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
