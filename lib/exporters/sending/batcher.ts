import { type BatchLimits } from '../../config/limits.js';
import type { ExporterHealth } from '../exporter-report.js';
import type { ExportQueue } from './export-queue.js';
import type { ExportRequest } from './sender.js';

/** gRPC receivers take 4 MiB by default, frame included. */
const MAX_REQUEST_BYTES = 3_500_000;

/**
 * The specification's defaults of `OTEL_BSP_*` and `OTEL_BLRP_*`, where the configuration has none.
 */
const DEFAULTS = { maxQueueSize: 2_048, maxExportBatchSize: 512, exportTimeoutMillis: 30_000 };

export type BatchedSignal = 'traces' | 'logs';

/**
 * The specification's defaults of `OTEL_BSP_SCHEDULE_DELAY` and `OTEL_BLRP_SCHEDULE_DELAY`, in
 * milliseconds.
 */
const SCHEDULE_DELAY_MS: Record<BatchedSignal, number> = { traces: 5_000, logs: 1_000 };

/** The limits of a batch, complete. */
export interface ResolvedBatchLimits {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

/** Returns the configured limits, with the specification's defaults for the others. */
export function resolveBatchLimits(signal: BatchedSignal, limits: BatchLimits): ResolvedBatchLimits {
  const maxQueueSize = limits.maxQueueSize ?? DEFAULTS.maxQueueSize;
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(limits.maxExportBatchSize ?? DEFAULTS.maxExportBatchSize, maxQueueSize),
    scheduledDelayMillis: limits.scheduledDelayMillis ?? SCHEDULE_DELAY_MS[signal],
    exportTimeoutMillis: limits.exportTimeoutMillis ?? DEFAULTS.exportTimeoutMillis,
  };
}

/**
 * Collects items into requests: one is complete after a number of items, a number of bytes, or some
 * time.
 */
export abstract class Batcher<Request extends ExportRequest> {
  private items = 0;
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly queue: ExportQueue<Request>,
    protected readonly health: ExporterHealth,
    private readonly limits: ResolvedBatchLimits,
  ) {}

  /** Sends all items that were added so far; rejects with the last failure. */
  async flush(): Promise<void> {
    this.seal();
    await this.queue.flush();
  }

  /** Sends all items and closes the exporter, even when sending failed. Never rejects. */
  async shutdown(): Promise<void> {
    this.seal();
    this.stopped = true;
    await this.queue.shutdown();
  }

  /**
   * Removes and returns all requests that were not sent, synchronously: for the end of the process.
   */
  takeUnsent(): Request[] {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { items, bytes } = this;
    this.items = 0;
    this.bytes = 0;
    const waiting = this.queue.takeUnsent();
    return items === 0 ? waiting : [...waiting, this.build(items, bytes)];
  }

  /** Builds a request of the collected items, and starts an empty one. */
  protected abstract build(count: number, bytes: number): Request;

  /** Whether one more item fits; otherwise counts it as lost. */
  protected hasRoom(): boolean {
    if (this.stopped) return false;
    const limit = this.queue.fullBecauseOf(this.items, this.bytes);
    if (limit === undefined) return true;
    this.health.dropFromQueue(1, limit);
    return false;
  }

  /** Counts an item that was added. */
  protected added(bytes: number): void {
    this.items += 1;
    this.bytes += bytes;
    if (this.items >= this.limits.maxExportBatchSize || this.bytes > MAX_REQUEST_BYTES) this.seal();
    else this.timer ??= setTimeout(this.seal, this.limits.scheduledDelayMillis).unref();
  }

  private readonly seal = (): void => {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { items, bytes } = this;
    if (items === 0) return;
    this.items = 0;
    this.bytes = 0;
    this.queue.push(this.build(items, bytes));
  };
}
