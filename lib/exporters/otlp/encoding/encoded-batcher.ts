import { type InstrumentationScope } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';

import { Batcher } from '../../sending/batcher.js';
import type { ExportRequest } from '../../sending/sender.js';
import { type ByteWriter } from './byte-writer.js';
import { RequestBuilder } from './request-builder.js';

/** A request as it goes over the wire. */
export interface EncodedRequest extends ExportRequest {
  readonly body: Uint8Array;
}

/**
 * Holds bytes instead of objects: an item is encoded when it ends, so that nothing of it outlives the request it belongs to, and
 * what waits is a few large buffers that the garbage collector never looks into.
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
