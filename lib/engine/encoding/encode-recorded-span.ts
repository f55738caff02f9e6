import { type AttributeList } from '../attribute-list.js';
import { LocalSpan } from '../local-span.js';
import { type RecordedEvent } from '../recorded-events.js';
import type { RecordedSpan } from '../recorded-span.js';
import { type SpanClock } from '../span-clock.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeAttributeList, encodeName } from './encode-attributes.js';
import { putInstant, putSpanId, putSpanIdText, putTraceId } from './encode-ids-and-times.js';
import {
  encodeCount,
  encodeLink,
  encodeStatus,
  encodeTraceState,
  EVENT_TAG,
  flagsOf,
  LINK_TAG,
  TAG,
} from './span-fields.js';

/** Fields of one size, which every span has; and the id of the parent, which all but the first of a trace have. */
const FIXED_BYTES = 18 + 10 + 2 + 9 + 9 + 6;
const PARENT_BYTES = 10;
/** The longest name of a span with nothing else whose length takes one byte. */
const SHORT_NAME = 127 - FIXED_BYTES - PARENT_BYTES - 2;

/** Writes a span of ours as a field of `ScopeSpans`. */
export function encodeRecordedSpan(writer: ByteWriter, span: RecordedSpan): void {
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
    for (const { context, attributes } of linkList)
      encodeLink(writer, context, () => {
        if (attributes !== undefined) encodeList(writer, LINK_TAG.attributes, LINK_TAG.dropped, attributes);
      });
  encodeCount(writer, TAG.droppedLinks, span.droppedLinksCount);
  encodeTraceState(writer, TAG.traceState, span.traceState?.serialize());
  encodeStatus(writer, span.status);
  writer.close(start, lengthBytes);
}

/** Protobuf does not mind the order of fields: those whose place is known come first, and room is made for them once. */
function encodeFixed(writer: ByteWriter, span: RecordedSpan): void {
  const { parent, clock } = span;
  const at = writer.claim(FIXED_BYTES + (parent === undefined ? 0 : PARENT_BYTES));
  const { data } = writer;
  data.setInt16(at, 0x0a10); // trace_id, 16 bytes
  putTraceId(data, at + 2, span.traceId);
  data.setInt16(at + 18, 0x1208); // span_id, 8 bytes
  putSpanId(data, at + 20, span);
  data.setInt16(at + 28, 0x3000 | ((span.kind + 1) & 0x7f)); // kind, where 0 is "unspecified"
  data.setInt8(at + 30, 0x39); // start_time_unix_nano
  putInstant(data, at + 31, clock, span.startInstant);
  data.setInt8(at + 39, 0x41); // end_time_unix_nano
  putInstant(data, at + 40, clock, span.endInstant);
  data.setInt16(at + 48, 0x8501); // flags
  data.setInt32(at + 50, flagsOf(span.traceFlags, isRemote(parent)), true);
  if (parent === undefined) return;
  data.setInt16(at + 54, 0x2208); // parent_span_id, 8 bytes
  if (parent instanceof LocalSpan) putSpanId(data, at + 56, parent);
  else putSpanIdText(data, at + 56, parent.spanId);
}

function isRemote(parent: RecordedSpan['parent']): boolean {
  return parent !== undefined && !(parent instanceof LocalSpan) && parent.isRemote === true;
}

function encodeEvent(
  writer: ByteWriter,
  clock: SpanClock,
  { name, instant, attributes }: RecordedEvent,
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

function encodeList(writer: ByteWriter, tag: number, droppedTag: number, list: AttributeList): void {
  encodeAttributeList(writer, tag, list);
  encodeCount(writer, droppedTag, list.dropped);
}
