import { context, diag } from '@opentelemetry/api';
import { ExportResultCode, type InstrumentationScope, suppressTracing } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';

import { type BatchLimits } from '../../../config/telemetry-config.interface.js';
import { type PushExporter } from '../../push-exporter.interface.js';
import { toError } from '../../to-error.js';
import { type ByteWriter } from './byte-writer.js';
import { RequestBuilder } from './request-builder.js';

/** A request as it goes over the wire, and how many items are in it. */
export interface EncodedRequest {
  readonly count: number;
  readonly body: Uint8Array;
}

/** gRPC receivers take 4 MiB by default, frame included. */
const MAX_REQUEST_BYTES = 3_500_000;

export interface EncodedQueueOptions {
  readonly exporter: PushExporter<EncodedRequest>;
  /** The specification's defaults where one is missing: 2048, 512, 30 s. */
  readonly limits: BatchLimits;
  /** Milliseconds between two exports where the limits say nothing. */
  readonly scheduledDelayMillis: number;
  /** Told of items for which there is no room. */
  readonly onDrop: (count: number) => void;
}

/**
 * A batch processor's queue that holds bytes instead of objects: an item is encoded when it ends, so that nothing of it
 * outlives the request it belongs to, and what waits is a few large buffers that the garbage collector never looks into.
 * One request is under way at a time; beyond the queue's size items are dropped and counted.
 */
export class EncodedQueue {
  private readonly builder = new RequestBuilder();
  private readonly waiting: EncodedRequest[] = [];
  private waitingCount = 0;
  private readonly maxQueueSize: number;
  private readonly maxRequestItems: number;
  private readonly delay: number;
  private readonly timeout: number;
  private readonly exporter: PushExporter<EncodedRequest>;
  private readonly onDrop: (count: number) => void;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private stopped = false;

  constructor({ exporter, limits, scheduledDelayMillis, onDrop }: EncodedQueueOptions) {
    this.exporter = exporter;
    this.onDrop = onDrop;
    this.maxQueueSize = limits.maxQueueSize ?? 2_048;
    this.maxRequestItems = Math.min(limits.maxExportBatchSize ?? 512, this.maxQueueSize);
    this.delay = limits.scheduledDelayMillis ?? scheduledDelayMillis;
    this.timeout = limits.exportTimeoutMillis ?? 30_000;
  }

  /** Encodes one item now; what `encode` reads may change afterwards. */
  add<T>(
    item: T,
    scope: InstrumentationScope,
    resource: Resource,
    encode: (writer: ByteWriter, item: T) => void,
  ): void {
    if (this.stopped) return;
    if (this.waitingCount + this.builder.count >= this.maxQueueSize) {
      this.onDrop(1);
      return;
    }
    const writer = this.builder.writerFor(scope, resource);
    const before = writer.length;
    try {
      encode(writer, item);
    } catch (error) {
      writer.truncate(before);
      this.onDrop(1);
      diag.error('An item could not be encoded and is lost', error);
      return;
    }
    this.builder.added();
    this.schedule(writer.length);
  }

  /** Sends everything that has ended so far; rejects with the last failure. */
  async flush(): Promise<void> {
    this.seal();
    let failure: Error | undefined;
    do {
      // What failed while nobody asked has been reported by the exporter.
      failure = await this.send().then(() => undefined, toError);
    } while (this.waiting.length > 0);
    if (failure !== undefined) throw failure;
  }

  /** Sends what is there, then closes the exporter, also when that failed. */
  async shutdown(): Promise<void> {
    this.stopped = true;
    try {
      await this.flush();
    } catch {
      // Counted and reported by the exporter; one dead collector must not fail the whole shutdown.
    }
    await this.exporter.shutdown();
  }

  private schedule(sectionLength: number): void {
    const { builder } = this;
    const full =
      builder.count >= this.maxRequestItems ||
      (sectionLength > MAX_REQUEST_BYTES / 8 && builder.length > MAX_REQUEST_BYTES);
    if (full) {
      this.seal();
      this.sendInBackground();
    } else this.timer ??= setTimeout(this.onTimer, this.delay).unref();
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.seal();
    this.sendInBackground();
  };

  private seal(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    const { count } = this.builder;
    if (count === 0) return;
    this.waiting.push({ count, body: this.builder.build() });
    this.waitingCount += count;
  }

  private sendInBackground(): void {
    this.send().catch(() => {
      // The exporter counts and reports each failure.
    });
  }

  /** Sends what waits, one request after the other; whoever comes meanwhile waits for the same. */
  private send(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
      if (this.waiting.length > 0 && !this.stopped) this.sendInBackground();
    });
    return this.sending;
  }

  private async sendAll(): Promise<void> {
    let failure: Error | undefined;
    for (let request = this.waiting.shift(); request !== undefined; request = this.waiting.shift()) {
      this.waitingCount -= request.count;
      try {
        await this.deliver(request);
      } catch (error) {
        failure = toError(error);
      }
    }
    if (failure !== undefined) throw failure;
  }

  private deliver(request: EncodedRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the export took longer than ${this.timeout} ms`));
      }, this.timeout);
      context.with(suppressTracing(context.active()), () => {
        this.exporter.export(request, ({ code, error }) => {
          clearTimeout(timer);
          if (code === ExportResultCode.SUCCESS) resolve();
          else reject(error ?? new Error('the export failed'));
        });
      });
    });
  }
}
