import { context, type Logger, type LoggerProvider, type LogRecord } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';

import type { ByteWriter } from '../../engine/encoding/byte-writer.js';
import { encodeLogRecord } from '../../engine/encoding/encode-log-record.js';
import { RequestBuilder } from '../../engine/encoding/request-builder.js';
import { ScopeCache } from '../../engine/scope-cache.js';
import { Batcher } from '../sending/batcher.js';
import type { ExportRequest } from '../sending/sender.js';

/** A request as it goes over the wire. */
export interface EncodedRequest extends ExportRequest {
  readonly body: Uint8Array;
}

/**
 * Holds bytes instead of objects: an item is encoded when it ends, so that it does not outlive its
 * request, and what waits is a few large buffers that the garbage collector does not search.
 */
export class EncodedBatcher extends Batcher<EncodedRequest> {
  private readonly builder = new RequestBuilder();

  /** Encodes one item now; what `encode` reads may change afterwards. */
  add<T>(
    item: T,
    scope: InstrumentationScope,
    resource: Resource,
    encode: (writer: ByteWriter, item: T) => void,
  ): void {
    if (!this.hasRoom()) return;
    const writer = this.builder.writerFor(scope, resource);
    const before = writer.length;
    try {
      encode(writer, item);
    } catch (error) {
      writer.truncate(before);
      this.health.dropUnreadable(error);
      return;
    }
    this.builder.added();
    this.added(writer.length - before);
  }

  protected override build(count: number): EncodedRequest {
    const body = this.builder.build();
    return { count, bytes: body.byteLength, body };
  }
}

/**
 * Replaces the SDK's logger provider where log records go only to OTLP receivers: a record is
 * encoded while it is emitted, and there is no object of it.
 */
export class EncodingLoggerProvider implements LoggerProvider {
  private readonly loggers = new ScopeCache<Logger>();

  constructor(
    private readonly resource: Resource,
    private readonly batchers: readonly EncodedBatcher[],
    private readonly maxAttributes: number,
  ) {}

  getLogger(name: string, version?: string, options?: { schemaUrl?: string }): Logger {
    return this.loggers.get(name === '' ? 'unknown' : name, version, options?.schemaUrl, (scope) =>
      this.createLogger(scope),
    );
  }

  async forceFlush(): Promise<void> {
    await Promise.all(this.batchers.map((batcher) => batcher.flush()));
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.batchers.map((batcher) => batcher.shutdown()));
  }

  private createLogger(scope: InstrumentationScope): Logger {
    const { batchers, resource, maxAttributes } = this;
    const encode = (writer: ByteWriter, record: LogRecord): void => {
      encodeLogRecord(writer, record, maxAttributes);
    };
    return {
      enabled: () => true,
      emit(record: LogRecord) {
        const placed = record.context === undefined ? { ...record, context: context.active() } : record;
        for (const batcher of batchers) batcher.add(placed, scope, resource, encode);
      },
    };
  }
}
