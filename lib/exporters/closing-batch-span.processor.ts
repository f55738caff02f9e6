import {
  BatchSpanProcessor,
  type BatchSpanProcessorOptions,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';

/** A batch processor that closes its exporter even when the last flush failed; the SDK's leaves it open then. */
export class ClosingBatchSpanProcessor extends BatchSpanProcessor {
  private readonly closedAtShutdown: SpanExporter;

  constructor(options: BatchSpanProcessorOptions) {
    super(options);
    this.closedAtShutdown = options.exporter;
  }

  override async shutdown(): Promise<void> {
    try {
      await super.shutdown();
    } catch {
      // The exporter has counted and reported the failed flush; one dead collector must not fail the whole shutdown.
      await this.closedAtShutdown.shutdown();
    }
  }
}
