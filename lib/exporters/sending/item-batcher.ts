import type { AnyValue } from '@opentelemetry/api';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

import { isSampled, type ListedAttributes, viewOf } from '../../engine/span-view.js';
import { Batcher } from './batcher.js';
import type { ExportRequest } from './sender.js';

/** A request whose items are encoded when it is sent. */
export interface ItemRequest<Item> extends ExportRequest {
  readonly items: readonly Item[];
}

/** Collects items as objects: for encodings that take a whole batch, and for Jaeger. */
export class ItemBatcher<Item> extends Batcher<ItemRequest<Item>> {
  private collected: Item[] = [];

  /** @param bytes estimated size of the item in memory */
  add(item: Item, bytes: (item: Item) => number): void {
    if (!this.hasRoom()) return;
    this.collected.push(item);
    this.added(bytes(item));
  }

  protected override build(count: number, bytes: number): ItemRequest<Item> {
    const items = this.collected;
    this.collected = [];
    return { count, bytes, items };
  }
}

/** Object headers, ids and times of a span or log record. */
const ITEM_BYTES = 500;
const ENTRY_BYTES = 50;
/** Deeper values are not counted. */
const MAX_DEPTH = 4;

/** Estimated size of a span in memory, in bytes. */
function estimateSpanBytes(span: ReadableSpan): number {
  const { name, attributeList, eventList = [], linkList = [] } = viewOf(span);
  let bytes = ITEM_BYTES + name.length + estimateListBytes(attributeList);
  for (const event of eventList)
    bytes += ENTRY_BYTES + event.name.length + estimateListBytes(event.attributes);
  for (const link of linkList) bytes += ENTRY_BYTES + estimateListBytes(link.attributes);
  return bytes;
}

function estimateListBytes(list: ListedAttributes | undefined): number {
  if (list === undefined) return 0;
  let bytes = list.base === undefined ? 0 : estimateEntryBytes(list.base, 0);
  for (const entry of list.entries) bytes += estimateValueBytes(entry, 1);
  return bytes;
}

/** Estimated size of a log record in memory, in bytes. */
function estimateLogRecordBytes({ body, attributes }: ReadableLogRecord): number {
  return ITEM_BYTES + estimateValueBytes(body, 0) + estimateValueBytes(attributes, 0);
}

function estimateValueBytes(value: AnyValue, depth: number): number {
  if (typeof value === 'string') return ENTRY_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return ENTRY_BYTES;
  if (value instanceof Uint8Array) return ENTRY_BYTES + value.length;
  if (depth >= MAX_DEPTH) return ENTRY_BYTES;
  let bytes = ENTRY_BYTES;
  if (Array.isArray(value)) for (const entry of value) bytes += estimateValueBytes(entry, depth + 1);
  else bytes += estimateEntryBytes(value as Record<string, AnyValue>, depth);
  return bytes;
}

function estimateEntryBytes(entries: Readonly<Record<string, AnyValue>>, depth: number): number {
  let bytes = 0;
  for (const key in entries) bytes += key.length + estimateValueBytes(entries[key], depth + 1);
  return bytes;
}

/** Adds each sampled span to a batcher when it ends. */
export function createSpanProcessor(
  batcher: Pick<Batcher<ExportRequest>, 'flush' | 'shutdown'>,
  add: (span: ReadableSpan) => void,
): SpanProcessor {
  return {
    onStart() {
      // Only finished spans are collected.
    },
    onEnd(span) {
      if (isSampled(span)) add(span);
    },
    forceFlush: () => batcher.flush(),
    shutdown: () => batcher.shutdown(),
  };
}

/** Collects spans as objects. The queue of the SDK's batch processor has no limit in bytes. */
export function collectSpans(batcher: ItemBatcher<ReadableSpan>): SpanProcessor {
  return createSpanProcessor(batcher, (span) => {
    batcher.add(span, estimateSpanBytes);
  });
}

/** The same for log records. */
export function collectLogRecords(batcher: ItemBatcher<ReadableLogRecord>): LogRecordProcessor {
  return {
    onEmit(record) {
      batcher.add(record, estimateLogRecordBytes);
    },
    forceFlush: () => batcher.flush(),
    shutdown: () => batcher.shutdown(),
  };
}
