import { type BatchLimits } from '../../config/limits.js';
import type { ExporterHealth } from '../exporter-report.js';
import type { ExportQueue } from './export-queue.js';
import type { ExportRequest } from './sender.js';

/** gRPC receivers take 4 MiB by default, frame included. */
const MAX_REQUEST_BYTES = 3_500_000;

/** The specification's defaults of `OTEL_BSP_*` and `OTEL_BLRP_*`. */
const DEFAULTS = { maxQueueSize: 2_048, maxExportBatchSize: 512, exportTimeoutMillis: 30_000 };
const SCHEDULE_DELAY_MS = { traces: 5_000, logs: 1_000 };

export type BatchedSignal = keyof typeof SCHEDULE_DELAY_MS;

/** Returns the configured limits, with the specification's defaults for the others. */
export function resolveBatchLimits(signal: BatchedSignal, limits: BatchLimits): Required<BatchLimits> {
  const all = { ...DEFAULTS, scheduledDelayMillis: SCHEDULE_DELAY_MS[signal], ...limits };
  return { ...all, maxExportBatchSize: Math.min(all.maxExportBatchSize, all.maxQueueSize) };
}

/** Collects items into requests, which are complete after some items, bytes, or time. */
export abstract class Batcher<Request extends ExportRequest> {
  private items = 0;
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly queue: ExportQueue<Request>,
    protected readonly health: ExporterHealth,
    private readonly limits: Required<BatchLimits>,
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

  /** Removes and returns what was not sent, synchronously: for the end of the process. */
  takeUnsent(): Request[] {
    const last = this.take();
    const waiting = this.queue.takeUnsent();
    return last === undefined ? waiting : [...waiting, last];
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
    const request = this.take();
    if (request !== undefined) this.queue.push(request);
  };

  private take(): Request | undefined {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { items, bytes } = this;
    if (items === 0) return undefined;
    this.items = 0;
    this.bytes = 0;
    return this.build(items, bytes);
  }
}
