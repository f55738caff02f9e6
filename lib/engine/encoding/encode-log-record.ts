import {
  type AnyValue,
  type Context,
  type HrTime,
  type LogRecord,
  SeverityNumber,
  type TimeInput,
  trace,
} from '@opentelemetry/api';
import { isAnyValue } from '@opentelemetry/core';

import { exceptionAttributes } from '../describe-error.js';
import { LocalSpan } from '../local-span.js';
import { timeInputToHrTime } from '../time-input.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeKeyValue, encodeValue } from './encode-attributes.js';
import {
  encodeSpanIdText,
  encodeTraceIdText,
  putEpochMilliseconds,
  putHrTime,
  putSpanId,
  putTraceId,
} from './encode-ids-and-times.js';

/** `LogRecord` of opentelemetry/proto/logs/v1/logs.proto. */
const TAG = {
  severityNumber: 0x10,
  severityText: 0x1a,
  body: 0x2a,
  attributes: 0x32,
  droppedAttributes: 0x38,
  flags: 0x45,
  traceId: 0x4a,
  spanId: 0x52,
  eventName: 0x62,
} as const;

const LENGTH_BYTES = 2;

/**
 * Writes one log record as a field of `ScopeLogs`, as it was emitted.
 *
 * @param maxAttributes further ones are counted as dropped
 */
export function encodeLogRecord(writer: ByteWriter, record: LogRecord, maxAttributes: number): void {
  const { severityNumber, severityText, body, eventName, context } = record;
  writer.byte(0x12);
  const start = writer.open(LENGTH_BYTES);
  encodeTimes(writer, record.timestamp, record.observedTimestamp);
  if (severityNumber !== undefined && severityNumber !== SeverityNumber.UNSPECIFIED) {
    writer.byte(TAG.severityNumber);
    writer.varint(severityNumber);
  }
  if (severityText !== undefined && severityText !== '') {
    writer.byte(TAG.severityText);
    writer.text(severityText);
  }
  if (body !== undefined) {
    writer.byte(TAG.body);
    encodeValue(writer, body);
  }
  encodeAttributesOf(writer, record, maxAttributes);
  if (context !== undefined) encodeSpanOf(writer, context);
  if (eventName !== undefined && eventName !== '') {
    writer.byte(TAG.eventName);
    writer.text(eventName);
  }
  writer.close(start, LENGTH_BYTES);
}

function encodeTimes(
  writer: ByteWriter,
  time: TimeInput | undefined,
  observedTime: TimeInput | undefined,
): void {
  const now = time === undefined || observedTime === undefined ? Date.now() : 0;
  const at = writer.claim(18);
  const { data } = writer;
  data.setInt8(at, 0x09); // time_unix_nano
  putTime(data, at + 1, time ?? now);
  data.setInt8(at + 9, 0x59); // observed_time_unix_nano
  putTime(data, at + 10, observedTime ?? now);
}

function putTime(data: DataView, at: number, time: TimeInput): void {
  // A smaller number counts from the start of the process, as elsewhere in the API.
  if (typeof time === 'number' && time > 1_000_000_000_000) putEpochMilliseconds(data, at, time);
  else putHrTime(data, at, timeInputToHrTime(time) satisfies HrTime);
}

function encodeAttributesOf(
  writer: ByteWriter,
  { attributes = {}, exception }: LogRecord,
  maxAttributes: number,
): void {
  let count = 0;
  for (const key in attributes) {
    const value = attributes[key];
    // V8 answers hasOwnProperty() for a for-in key from the hidden class; `Object.hasOwn()` is a real call.
    if (!Object.prototype.hasOwnProperty.call(attributes, key) || !isAttribute(key, value)) continue;
    if (count < maxAttributes) encodeKeyValue(writer, TAG.attributes, key, value);
    count += 1;
  }
  if (exception !== undefined && exception !== null) {
    for (const [key, value] of Object.entries(exceptionAttributes(exception))) {
      if (value === undefined || Object.hasOwn(attributes, key)) continue;
      if (count < maxAttributes) encodeKeyValue(writer, TAG.attributes, key, value);
      count += 1;
    }
  }
  if (count <= maxAttributes) return;
  writer.byte(TAG.droppedAttributes);
  writer.varint(count - maxAttributes);
}

/** Whether the SDK would take it; texts, numbers and booleans need no look inside. */
function isAttribute(key: string, value: AnyValue): boolean {
  if (key === '') return false;
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' || isAnyValue(value);
}

function encodeSpanOf(writer: ByteWriter, context: Context): void {
  const span = trace.getSpan(context);
  if (span === undefined) return;
  if (span instanceof LocalSpan) {
    const at = writer.claim(28);
    const { data } = writer;
    data.setInt16(at, 0x4a10); // trace_id, 16 bytes
    putTraceId(data, at + 2, span.traceId);
    data.setInt16(at + 18, 0x5208); // span_id, 8 bytes
    putSpanId(data, at + 20, span);
    encodeFlags(writer, span.traceFlags);
    return;
  }
  const spanContext = span.spanContext();
  if (!trace.isSpanContextValid(spanContext)) return;
  encodeTraceIdText(writer, TAG.traceId, spanContext.traceId);
  encodeSpanIdText(writer, TAG.spanId, spanContext.spanId);
  encodeFlags(writer, spanContext.traceFlags);
}

function encodeFlags(writer: ByteWriter, flags: number): void {
  if (flags === 0) return;
  writer.byte(TAG.flags);
  writer.fixed32(flags);
}
