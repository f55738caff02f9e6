import { type Attributes, type Span, isSpanContextValid } from '@opentelemetry/api';
import { LocalSpan } from '../recording/local-span.js';
import { LineBuffer } from './line-buffer.js';
import { TRACE_FLAGS } from './log-entry.js';
import { type Destination, LEVEL_VALUES } from './logging-state.js';
import type { LineRecord } from './record-entry.js';
import type { LineContent, LineSource } from './pino-line.js';

/** In bytes. A longer line may hold texts that have to be cut for a log record. */
const MAX_PLAIN_BYTES = 4_096;
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
interface PlainLineParts {
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
function appendPlainLine(buffer: LineBuffer, line: PlainLineParts): boolean {
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

/** For destinations that take texts. */
const scratch = new LineBuffer(MAX_PLAIN_BYTES);

/** A line whose fields are all texts, numbers and booleans, which says what it says without being read back. */
export class PlainLine implements LineSource, LineRecord, PlainLineParts {
  readonly time = Date.now();

  /**
   * @param level pino's number
   * @param message of a caller that may have given anything
   * @param attributes the fields as the caller gave them, and `context`, the class that logs
   * @param span the span the line belongs to
   * @param bindings what the logger puts on each of its lines, as JSON that begins with a comma
   */
  constructor(
    readonly level: number,
    readonly message: string,
    readonly attributes: Attributes,
    readonly span: Span | undefined,
    readonly bindings: string,
  ) {}

  /** Writes nothing, and returns false, where the line is not plain: then it is pino's to write. */
  writeTo(destination: Destination): boolean {
    const { bytes } = destination;
    const buffer = bytes === undefined ? scratch : bytes.open();
    // Dropped, as any other line would be.
    if (buffer === undefined) return true;
    if (!appendPlainLine(buffer, this)) return false;
    if (bytes === undefined) destination.write(takeText(buffer));
    else bytes.appended();
    return true;
  }

  get context(): string | undefined {
    const { context } = this.attributes;
    return typeof context === 'string' ? context : undefined;
  }

  toRecord(): LineRecord {
    return this;
  }

  toContent(): LineContent {
    const { level, time, message, context, attributes } = this;
    const fields: Record<string, unknown> = {};
    for (const key in attributes)
      if (key !== 'context' || context === undefined) fields[key] = attributes[key];
    return { level, time, message, context, error: undefined, fields };
  }
}

function takeText(buffer: LineBuffer): string {
  const text = buffer.view().toString();
  buffer.truncate(0);
  return text;
}
