import { type SpanContext, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type EventView, type ListedAttributes, type SpanView, viewOf } from '../span-view.js';
import { type ByteWriter } from './byte-writer.js';
import { encodeAttributeList, encodeName } from './encode-attributes.js';
import {
  encodeSpanIdText,
  encodeTraceIdText,
  putInstant,
  putSpanId,
  putTraceId,
} from './encode-ids-and-times.js';

/** `Span` of opentelemetry/proto/trace/v1/trace.proto; each tag is the number of the field and how it is written. */
const TAG = {
  traceState: 0x1a,
  name: 0x2a,
  attributes: 0x4a,
  droppedAttributes: 0x50,
  events: 0x5a,
  droppedEvents: 0x60,
  links: 0x6a,
  droppedLinks: 0x70,
  status: 0x7a,
} as const;
const EVENT_TAG = { time: 0x09, name: 0x12, attributes: 0x1a, dropped: 0x20 } as const;
const LINK_TAG = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  attributes: 0x22,
  dropped: 0x28,
  flags: 0x35,
} as const;

/** Fields of one size, which every span has; and the id of the parent, which all but the first of a trace have. */
const FIXED_BYTES = 18 + 10 + 2 + 9 + 9 + 6;
const PARENT_BYTES = 10;
/** The longest name of a span with nothing else whose length takes one byte. */
const SHORT_NAME = 127 - FIXED_BYTES - PARENT_BYTES - 2;

/** Writes a span as a field of `ScopeSpans`. */
export function encodeSpan(writer: ByteWriter, readable: ReadableSpan): void {
  const span = viewOf(readable);
  const { attributeList, eventList, linkList, name } = span;
  const isBare = attributeList === undefined && eventList === undefined && name.length <= SHORT_NAME;
  const lengthBytes = isBare ? 1 : 2;
  writer.byte(0x12);
  const start = writer.open(lengthBytes);
  encodeFixed(writer, span);
  writer.byte(TAG.name);
  encodeName(writer, name);
  if (attributeList !== undefined) encodeList(writer, TAG.attributes, TAG.droppedAttributes, attributeList);
  if (eventList !== undefined) for (const event of eventList) encodeEvent(writer, span.clock, event);
  encodeCount(writer, TAG.droppedEvents, span.droppedEventsCount);
  if (linkList !== undefined)
    for (const { context, attributes } of linkList) encodeLink(writer, context, attributes);
  encodeCount(writer, TAG.droppedLinks, span.droppedLinksCount);
  encodeTraceState(writer, TAG.traceState, span.traceState?.serialize());
  encodeStatus(writer, span.status);
  writer.close(start, lengthBytes);
}

/** Protobuf does not mind the order of fields: those whose place is known come first, and room is made for them once. */
function encodeFixed(writer: ByteWriter, span: SpanView): void {
  const { parentId, clock } = span;
  const at = writer.claim(FIXED_BYTES + (parentId === undefined ? 0 : PARENT_BYTES));
  const { data } = writer;
  data.setInt16(at, 0x0a10); // trace_id, 16 bytes
  putTraceId(data, at + 2, span.traceId);
  data.setInt16(at + 18, 0x1208); // span_id, 8 bytes
  putSpanId(data, at + 20, span);
  // kind, where 0 is "unspecified". More than seven bits would be read together with what follows.
  data.setInt16(at + 28, 0x3000 | ((span.kind + 1) & 0x7f));
  data.setInt8(at + 30, 0x39); // start_time_unix_nano
  putInstant(data, at + 31, clock, span.startInstant);
  data.setInt8(at + 39, 0x41); // end_time_unix_nano
  putInstant(data, at + 40, clock, span.endInstant);
  data.setInt16(at + 48, 0x8501); // flags
  data.setInt32(at + 50, flagsOf(span.traceFlags, span.hasRemoteParent), true);
  if (parentId === undefined) return;
  data.setInt16(at + 54, 0x2208); // parent_span_id, 8 bytes
  putSpanId(data, at + 56, parentId);
}

function encodeEvent(
  writer: ByteWriter,
  clock: SpanView['clock'],
  { name, instant, attributes }: EventView,
): void {
  writer.byte(TAG.events);
  const start = writer.open(2);
  const at = writer.claim(10);
  const { data } = writer;
  data.setInt8(at, EVENT_TAG.time);
  putInstant(data, at + 1, clock, instant);
  data.setInt8(at + 9, EVENT_TAG.name);
  encodeName(writer, name);
  if (attributes !== undefined) encodeList(writer, EVENT_TAG.attributes, EVENT_TAG.dropped, attributes);
  writer.close(start, 2);
}

function encodeList(writer: ByteWriter, tag: number, droppedTag: number, list: ListedAttributes): void {
  encodeAttributeList(writer, tag, list);
  encodeCount(writer, droppedTag, list.dropped);
}

function encodeLink(writer: ByteWriter, linked: SpanContext, attributes: ListedAttributes | undefined): void {
  writer.byte(TAG.links);
  const start = writer.open(1);
  encodeTraceIdText(writer, LINK_TAG.traceId, linked.traceId);
  encodeSpanIdText(writer, LINK_TAG.spanId, linked.spanId);
  encodeTraceState(writer, LINK_TAG.traceState, linked.traceState?.serialize());
  if (attributes !== undefined) encodeList(writer, LINK_TAG.attributes, LINK_TAG.dropped, attributes);
  writer.byte(LINK_TAG.flags);
  writer.fixed32(flagsOf(linked.traceFlags, linked.isRemote === true));
  writer.close(start, 1);
}

function encodeTraceState(writer: ByteWriter, tag: number, text: string | undefined): void {
  if (text === undefined || text === '') return;
  writer.byte(tag);
  writer.text(text);
}

/** Zero is what is read where nothing stands. */
function encodeCount(writer: ByteWriter, tag: number, count: number): void {
  if (count === 0) return;
  writer.byte(tag);
  writer.varint(count);
}

function encodeStatus(writer: ByteWriter, { code, message }: SpanStatus): void {
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

const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** The flags of a span or of a link, with two more bits for a remote parent or linked span. */
function flagsOf(traceFlags: number, isRemote: boolean): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}
