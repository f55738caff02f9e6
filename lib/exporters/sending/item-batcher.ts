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

/**
 * Collects sampled spans as objects. The queue of the SDK's batch processor has no limit in bytes.
 */
export class ItemSpanProcessor implements SpanProcessor {
  constructor(private readonly batcher: ItemBatcher<ReadableSpan>) {}

  onStart(): void {
    // Only finished spans are collected.
  }

  onEnd(span: ReadableSpan): void {
    if (isSampled(span)) this.batcher.add(span, estimateSpanBytes);
  }

  forceFlush(): Promise<void> {
    return this.batcher.flush();
  }

  shutdown(): Promise<void> {
    return this.batcher.shutdown();
  }
}

/**
 * Collects log records as objects. The queue of the SDK's batch processor has no limit in bytes.
 */
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
