import { type Link, type SpanContext, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan, type TimedEvent } from '@opentelemetry/sdk-trace';

import { type AttributeList } from '../../../recording/attribute-list.js';
import { LocalSpan } from '../../../recording/local-span.js';
import { RecordedSpan } from '../../../recording/recorded-span.js';
import { type ByteWriter } from './byte-writer.js';
import { encodeAttributeList, encodeAttributes } from './encode-attributes.js';
import { encodeHrTime, encodeInstant } from './encode-time.js';
import { encodeIdsOf, encodeSpanId, encodeSpanIdText, encodeTraceIdText } from './encode-ids.js';

/** `Span` of opentelemetry/proto/trace/v1/trace.proto; each tag is the number of the field and how it is written. */
const TAG = {
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
} as const;
/** `fixed32 flags = 16`, whose tag takes two bytes. */
const FLAGS_TAG = [0x85, 0x01] as const;
const EVENT_TAG = { time: 0x09, name: 0x12, attributes: 0x1a, dropped: 0x20 } as const;
const LINK_TAG = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  attributes: 0x22,
  dropped: 0x28,
  flags: 0x35,
} as const;

const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
/** Nearly every span needs two bytes for its length. */
const SPAN_LENGTH_BYTES = 2;

/** Writes one span as a field of `ScopeSpans`. */
export function encodeSpan(writer: ByteWriter, span: ReadableSpan): void {
  writer.byte(0x12);
  const start = writer.open(SPAN_LENGTH_BYTES);
  if (span instanceof RecordedSpan) encodeRecorded(writer, span);
  else encodeReadable(writer, span);
  writer.close(start, SPAN_LENGTH_BYTES);
}

function encodeRecorded(writer: ByteWriter, span: RecordedSpan): void {
  const { parent, clock } = span;
  writer.reserve(64);
  encodeIdsOf(writer, TAG, span);
  encodeTraceState(writer, TAG.traceState, span.traceState?.serialize());
  if (parent instanceof LocalSpan) encodeSpanId(writer, TAG.parentSpanId, parent);
  else if (parent !== undefined) encodeSpanIdText(writer, TAG.parentSpanId, parent.spanId);
  encodeNameAndKind(writer, span);
  writer.byte(TAG.startTime);
  encodeInstant(writer, clock, span.startInstant);
  writer.byte(TAG.endTime);
  encodeInstant(writer, clock, span.endInstant);
  if (span.attributeList !== undefined) encodeAttributeList(writer, TAG.attributes, span.attributeList);
  encodeCount(writer, TAG.droppedAttributes, span.droppedAttributesCount);
  for (const event of span.eventList ?? []) {
    writer.byte(TAG.events);
    const start = writer.open(SPAN_LENGTH_BYTES);
    writer.byte(EVENT_TAG.time);
    encodeInstant(writer, clock, event.instant);
    writer.byte(EVENT_TAG.name);
    writer.text(event.name);
    encodeList(writer, EVENT_TAG, event.attributes);
    writer.close(start, SPAN_LENGTH_BYTES);
  }
  encodeCount(writer, TAG.droppedEvents, span.droppedEventsCount);
  for (const { context, attributes } of span.linkList ?? [])
    encodeLink(writer, context, () => {
      encodeList(writer, LINK_TAG, attributes);
    });
  encodeCount(writer, TAG.droppedLinks, span.droppedLinksCount);
  encodeStatus(writer, span.status);
  const isRemote = parent !== undefined && !(parent instanceof LocalSpan) && parent.isRemote === true;
  encodeFlags(writer, span.traceFlags, isRemote);
}

function encodeReadable(writer: ByteWriter, span: ReadableSpan): void {
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  encodeTraceIdText(writer, TAG.traceId, traceId);
  encodeSpanIdText(writer, TAG.spanId, spanId);
  encodeTraceState(writer, TAG.traceState, traceState?.serialize());
  if (span.parentSpanContext !== undefined)
    encodeSpanIdText(writer, TAG.parentSpanId, span.parentSpanContext.spanId);
  encodeNameAndKind(writer, span);
  writer.byte(TAG.startTime);
  encodeHrTime(writer, span.startTime);
  writer.byte(TAG.endTime);
  encodeHrTime(writer, span.endTime);
  encodeAttributes(writer, TAG.attributes, span.attributes);
  encodeCount(writer, TAG.droppedAttributes, span.droppedAttributesCount);
  for (const event of span.events) encodeEvent(writer, event);
  encodeCount(writer, TAG.droppedEvents, span.droppedEventsCount);
  for (const link of span.links)
    encodeLink(writer, link.context, () => {
      encodeRecord(writer, LINK_TAG, link);
    });
  encodeCount(writer, TAG.droppedLinks, span.droppedLinksCount);
  encodeStatus(writer, span.status);
  encodeFlags(writer, traceFlags, span.parentSpanContext?.isRemote === true);
}

function encodeEvent(writer: ByteWriter, event: TimedEvent): void {
  writer.byte(TAG.events);
  const start = writer.open(SPAN_LENGTH_BYTES);
  writer.byte(EVENT_TAG.time);
  encodeHrTime(writer, event.time);
  writer.byte(EVENT_TAG.name);
  writer.text(event.name);
  encodeRecord(writer, EVENT_TAG, event);
  writer.close(start, SPAN_LENGTH_BYTES);
}

function encodeLink(writer: ByteWriter, linked: SpanContext, encodeRest: () => void): void {
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

interface RecordTags {
  readonly attributes: number;
  readonly dropped: number;
}

function encodeList(writer: ByteWriter, tag: RecordTags, list: AttributeList | undefined): void {
  if (list === undefined) return;
  encodeAttributeList(writer, tag.attributes, list);
  encodeCount(writer, tag.dropped, list.dropped);
}

function encodeRecord(
  writer: ByteWriter,
  tag: RecordTags,
  { attributes, droppedAttributesCount }: Pick<Link, 'attributes' | 'droppedAttributesCount'>,
): void {
  if (attributes !== undefined) encodeAttributes(writer, tag.attributes, attributes);
  encodeCount(writer, tag.dropped, droppedAttributesCount ?? 0);
}

function encodeNameAndKind(
  writer: ByteWriter,
  { name, kind }: { readonly name: string; readonly kind: number },
): void {
  writer.byte(TAG.name);
  writer.text(name);
  writer.byte(TAG.kind);
  // 0 is "unspecified" there.
  writer.byte(kind + 1);
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

function encodeFlags(writer: ByteWriter, traceFlags: number, isRemote: boolean): void {
  writer.byte(FLAGS_TAG[0]);
  writer.byte(FLAGS_TAG[1]);
  writer.fixed32(flagsOf(traceFlags, isRemote));
}

function flagsOf(traceFlags: number, isRemote: boolean): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}
