import { type Link } from '@opentelemetry/api';
import { type ReadableSpan, type TimedEvent } from '@opentelemetry/sdk-trace';

import { RecordedSpan } from '../recorded-span.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeAttributes } from './encode-attributes.js';
import { encodeHrTime, encodeSpanIdText, encodeTraceIdText } from './encode-ids-and-times.js';
import { encodeRecordedSpan } from './encode-recorded-span.js';
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

/** Nearly every span of the SDK's needs two bytes for its length. */
const LENGTH_BYTES = 2;

/** Writes one span as a field of `ScopeSpans`. */
export function encodeSpan(writer: ByteWriter, span: ReadableSpan): void {
  if (span instanceof RecordedSpan) encodeRecordedSpan(writer, span);
  else encodeReadableSpan(writer, span);
}

/** A span of OpenTelemetry's SDK. */
function encodeReadableSpan(writer: ByteWriter, span: ReadableSpan): void {
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  writer.byte(0x12);
  const start = writer.open(LENGTH_BYTES);
  encodeTraceIdText(writer, TAG.traceId, traceId);
  encodeSpanIdText(writer, TAG.spanId, spanId);
  encodeTraceState(writer, TAG.traceState, traceState?.serialize());
  if (span.parentSpanContext !== undefined)
    encodeSpanIdText(writer, TAG.parentSpanId, span.parentSpanContext.spanId);
  writer.byte(TAG.name);
  writer.text(span.name);
  writer.byte(TAG.kind);
  // 0 is "unspecified" there. More than seven bits would be read together with what follows.
  writer.byte((span.kind + 1) & 0x7f);
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
  writer.byte(TAG.flags >>> 8);
  writer.byte(TAG.flags & 0xff);
  writer.fixed32(flagsOf(traceFlags, span.parentSpanContext?.isRemote === true));
  writer.close(start, LENGTH_BYTES);
}

function encodeEvent(writer: ByteWriter, event: TimedEvent): void {
  writer.byte(TAG.events);
  const start = writer.open(LENGTH_BYTES);
  writer.byte(EVENT_TAG.time);
  encodeHrTime(writer, event.time);
  writer.byte(EVENT_TAG.name);
  writer.text(event.name);
  encodeRecord(writer, EVENT_TAG, event);
  writer.close(start, LENGTH_BYTES);
}

function encodeRecord(
  writer: ByteWriter,
  tag: { readonly attributes: number; readonly dropped: number },
  { attributes, droppedAttributesCount }: Pick<Link, 'attributes' | 'droppedAttributesCount'>,
): void {
  if (attributes !== undefined) encodeAttributes(writer, tag.attributes, attributes);
  encodeCount(writer, tag.dropped, droppedAttributesCount ?? 0);
}
