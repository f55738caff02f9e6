import { type Attributes, isSpanContextValid, type Span } from '@opentelemetry/api';

import { LocalSpan } from '../recording/local-span.js';
import { type LineBuffer } from './line-buffer.js';
import { TRACE_FLAGS } from './line-context.js';
import { LEVEL_VALUES } from './write-line.js';

/** In bytes. A longer line may hold texts that have to be cut for a log record. */
export const MAX_PLAIN_BYTES = 4_096;
const MAX_KEYS = 4_096;

/** Keys that a logger writes itself or takes apart; a field of that name is pino's affair. */
const NOT_PLAIN = new Set([
  'level',
  'time',
  'service',
  'pid',
  'hostname',
  'trace_id',
  'span_id',
  'trace_flags',
  'msg',
  'err',
  '__proto__',
]);

const TRACE_ID = Buffer.from(',"trace_id":"');
const SPAN_ID = Buffer.from('","span_id":"');
const FLAGS = Buffer.from('","trace_flags":"');
const MESSAGE = Buffer.from(',"msg":');
const NOTHING = Buffer.alloc(0);
const END_OF_TEXT = Buffer.from('"');
const END = Buffer.from('}\n');

/** `{"level":30,"time":` by level. */
const heads = new Map(
  Object.values(LEVEL_VALUES).map((level) => [level as number, Buffer.from(`{"level":${level},"time":`)]),
);
/** `,"key":` of keys that came before; empty for those that are not plain. What callers make up must not grow this for ever. */
const quotedKeys = new Map<string, Uint8Array>();
/** What the last line began with, which most lines do. */
let knownBindings = '';
let bindingsBytes: Uint8Array = NOTHING;
let knownTime = 0;
let timeText = '0';

/** What a plain line is made of. */
export interface PlainLineParts {
  /** pino's number. */
  readonly level: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Of a caller that may have given anything. */
  readonly message: unknown;
  readonly attributes: Attributes;
  /** The span the line belongs to. */
  readonly span: Span | undefined;
  /** What the logger puts on each of its lines, as JSON that begins with a comma. */
  readonly bindings: string;
}

/**
 * Appends a line as pino writes it with our mixin and none of the application's options, without merged objects and without
 * looking for serializers. Returns false, with `buffer` as it was, for whatever is not plain: that is pino's to write.
 */
export function appendPlainLine(buffer: LineBuffer, line: PlainLineParts): boolean {
  const before = buffer.length;
  try {
    if (append(buffer, line, before + MAX_PLAIN_BYTES)) return true;
  } catch {
    // A getter threw. Half a line would spoil the next one, too; pino's guard writes what can be read.
  }
  buffer.truncate(before);
  return false;
}

/** @param limit length of the buffer at which the line is too long */
function append(buffer: LineBuffer, line: PlainLineParts, limit: number): boolean {
  const { message, attributes, span } = line;
  const head = heads.get(line.level);
  if (head === undefined || typeof message !== 'string' || message.length > MAX_PLAIN_BYTES) return false;
  buffer.bytes(head);
  buffer.ascii(textOfTime(line.time));
  buffer.bytes(bytesOfBindings(line.bindings));
  if (span !== undefined) appendIdentity(buffer, span);
  for (const key in attributes) {
    const value = attributes[key];
    const quotedKey = quotedKeys.get(key) ?? quoteKey(key);
    if (quotedKey.length === 0 || buffer.length > limit) return false;
    buffer.bytes(quotedKey);
    if (typeof value === 'string' && value.length <= MAX_PLAIN_BYTES) buffer.quoted(value);
    else if (typeof value === 'number' && Number.isFinite(value)) buffer.number(value);
    else if (typeof value === 'boolean') buffer.ascii(value ? 'true' : 'false');
    else return false;
  }
  buffer.bytes(MESSAGE);
  buffer.quoted(message);
  buffer.bytes(END);
  return buffer.length <= limit;
}

function appendIdentity(buffer: LineBuffer, span: Span): void {
  // Numbers as they are: the texts are made for whoever asks the span for them.
  if (span instanceof LocalSpan) {
    const { a, b, c, d } = span.traceId;
    buffer.bytes(TRACE_ID);
    buffer.hex(a);
    buffer.hex(b);
    buffer.hex(c);
    buffer.hex(d);
    buffer.bytes(SPAN_ID);
    buffer.hex(span.idHigh);
    buffer.hex(span.idLow);
    appendFlags(buffer, span.traceFlags);
    return;
  }
  const spanContext = span.spanContext();
  // Written without escaping: only what consists of hexadecimal digits.
  if (!isSpanContextValid(spanContext)) return;
  const { traceId, spanId, traceFlags } = spanContext;
  buffer.bytes(TRACE_ID);
  buffer.text(traceId);
  buffer.bytes(SPAN_ID);
  buffer.text(spanId);
  appendFlags(buffer, traceFlags);
}

function appendFlags(buffer: LineBuffer, flags: number): void {
  buffer.bytes(FLAGS);
  buffer.ascii(TRACE_FLAGS[flags & 0xff] ?? '');
  buffer.bytes(END_OF_TEXT);
}

function quoteKey(key: string): Uint8Array {
  const quoted = NOT_PLAIN.has(key) ? NOTHING : Buffer.from(`,${JSON.stringify(key)}:`);
  if (quotedKeys.size < MAX_KEYS) quotedKeys.set(key, quoted);
  return quoted;
}

function bytesOfBindings(bindings: string): Uint8Array {
  if (bindings !== knownBindings) {
    knownBindings = bindings;
    bindingsBytes = Buffer.from(bindings);
  }
  return bindingsBytes;
}

function textOfTime(time: number): string {
  if (time !== knownTime) {
    knownTime = time;
    timeText = String(time);
  }
  return timeText;
}
