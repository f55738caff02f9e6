import { type SpanContext, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';

import type { ByteWriter } from './byte-writer.js';
import { encodeSpanIdText, encodeTraceIdText } from './encode-ids-and-times.js';

/** `Span` of opentelemetry/proto/trace/v1/trace.proto; each tag is the number of the field and how it is written. */
export const TAG = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  parentSpanId: 0x22,
  name: 0x2a,
  kind: 0x30,
  startTime: 0x39,
  endTime: 0x41,
  attributes: 0x4a,
  droppedAttributes: 0x50,
  events: 0x5a,
  droppedEvents: 0x60,
  links: 0x6a,
  droppedLinks: 0x70,
  status: 0x7a,
  /** `fixed32 flags = 16`, whose tag takes two bytes. */
  flags: 0x8501,
} as const;
export const EVENT_TAG = { time: 0x09, name: 0x12, attributes: 0x1a, dropped: 0x20 } as const;
export const LINK_TAG = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  attributes: 0x22,
  dropped: 0x28,
  flags: 0x35,
} as const;

const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** The flags of a span or of a link, which say in two more bits whether the parent, or what is linked, is remote. */
export function flagsOf(traceFlags: number, isRemote: boolean): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

export function encodeLink(writer: ByteWriter, linked: SpanContext, encodeRest: () => void): void {
  writer.byte(TAG.links);
  const start = writer.open(1);
  encodeTraceIdText(writer, LINK_TAG.traceId, linked.traceId);
  encodeSpanIdText(writer, LINK_TAG.spanId, linked.spanId);
  encodeTraceState(writer, LINK_TAG.traceState, linked.traceState?.serialize());
  encodeRest();
  writer.byte(LINK_TAG.flags);
  writer.fixed32(flagsOf(linked.traceFlags, linked.isRemote === true));
  writer.close(start, 1);
}

export function encodeTraceState(writer: ByteWriter, tag: number, text: string | undefined): void {
  if (text === undefined || text === '') return;
  writer.byte(tag);
  writer.text(text);
}

/** Zero is what is read where nothing stands. */
export function encodeCount(writer: ByteWriter, tag: number, count: number): void {
  if (count === 0) return;
  writer.byte(tag);
  writer.varint(count);
}

export function encodeStatus(writer: ByteWriter, { code, message }: SpanStatus): void {
  if (code === SpanStatusCode.UNSET) return;
  writer.byte(TAG.status);
  const start = writer.open(1);
  if (message !== undefined && message !== '') {
    writer.byte(0x12);
    writer.text(message);
  }
  writer.byte(0x18);
  writer.byte(code);
  writer.close(start, 1);
}
