import { type Attributes, type Context, isSpanContextValid, type Span, trace } from '@opentelemetry/api';

import { LocalSpan } from '../recording/local-span.js';
import { type Destination, LineBuffer } from './line-buffer.js';
import {
  isReservedKey,
  LEVEL_VALUES,
  type Line,
  type LogEntry,
  readTraceFlags,
  SPAN_FIELDS,
  spanContextOf,
} from './log-entry.js';

/** In bytes. A longer line may hold texts that have to be cut for a log record, which is pino's line to write. */
export const MAX_FAST_BYTES = 4_096;
const MAX_KEYS = 4_096;

const MESSAGE = Buffer.from(',"msg":');
const NOTHING = Buffer.alloc(0);
const QUOTE = Buffer.from('"');
const END = Buffer.from('}\n');

/** `{"level":30,"time":` by level. */
const heads = new Map(
  Object.values(LEVEL_VALUES).map((level) => [level as number, Buffer.from(`{"level":${level},"time":`)]),
);

/** For destinations that take texts. */
const scratch = new LineBuffer(MAX_FAST_BYTES);

/**
 * A line whose fields are all texts, numbers and booleans, written without pino: byte for byte as pino writes it with our mixin
 * and without options of the application, but with no merged objects and no search for serializers. It is its own entry.
 */
export class FastLine implements Line, LogEntry {
  readonly time = Date.now();
  readonly error = undefined;
  readonly isPlain = true;

  /**
   * @param level pino's number
   * @param message without secrets; any value where the caller ignores the types
   * @param fields without secrets
   * @param bindings what the logger puts on each of its lines, as JSON that begins with a comma
   */
  constructor(
    readonly level: number,
    readonly message: string,
    readonly fields: Attributes,
    readonly otelContext: Context,
    private readonly bindings: string,
  ) {}

  get entry(): LogEntry {
    return this;
  }

  get context(): string | undefined {
    const { context } = this.fields;
    return typeof context === 'string' ? context : undefined;
  }

  get traceId(): string | undefined {
    return spanContextOf(this.otelContext)?.traceId;
  }

  get spanId(): string | undefined {
    return spanContextOf(this.otelContext)?.spanId;
  }

  writeTo(destination: Destination): boolean {
    const { bytes } = destination;
    const buffer = bytes === undefined ? scratch : bytes.open();
    // Dropped, as any other line would be.
    if (buffer === undefined) return true;
    if (!this.appendTo(buffer)) return false;
    if (bytes === undefined) destination.write(takeText(buffer));
    else bytes.appended();
    return true;
  }

  /** Returns false, with `buffer` as it was, for what only pino can write. */
  private appendTo(buffer: LineBuffer): boolean {
    const before = buffer.length;
    try {
      if (this.append(buffer, before + MAX_FAST_BYTES)) return true;
    } catch {
      // A getter threw. Half a line would spoil the next one, too; pino's guard writes what can be read.
    }
    buffer.truncate(before);
    return false;
  }

  /** @param limit length of the buffer at which the line is too long */
  private append(buffer: LineBuffer, limit: number): boolean {
    const { message, fields } = this;
    const head = heads.get(this.level);
    if (head === undefined || typeof message !== 'string' || message.length > MAX_FAST_BYTES) return false;
    buffer.bytes(head);
    appendTime(buffer, this.time);
    buffer.bytes(bytesOfBindings(this.bindings));
    const span = trace.getSpan(this.otelContext);
    if (span !== undefined) appendSpanFields(buffer, span);
    for (const key in fields) {
      const value = fields[key];
      const quotedKey = quotedKeys.get(key) ?? quoteKey(key);
      if (quotedKey.length === 0 || buffer.length > limit) return false;
      buffer.bytes(quotedKey);
      if (typeof value === 'string' && value.length <= MAX_FAST_BYTES) buffer.quoted(value);
      else if (typeof value === 'number' && Number.isFinite(value)) buffer.number(value);
      else if (typeof value === 'boolean') buffer.ascii(value ? 'true' : 'false');
      else return false;
    }
    buffer.bytes(MESSAGE);
    buffer.quoted(message);
    buffer.bytes(END);
    return buffer.length <= limit;
  }
}

function takeText(buffer: LineBuffer): string {
  const text = buffer.view().toString();
  buffer.truncate(0);
  return text;
}

/** Digits from the numbers of a span of the fast engine, without a text of them. */
const LOCAL_DIGITS: Readonly<Record<string, ((buffer: LineBuffer, span: LocalSpan) => void) | undefined>> = {
  trace_id: (buffer, { traceId: { a, b, c, d } }) => {
    buffer.hex(a);
    buffer.hex(b);
    buffer.hex(c);
    buffer.hex(d);
  },
  span_id: (buffer, { idHigh, idLow }) => {
    buffer.hex(idHigh);
    buffer.hex(idLow);
  },
  trace_flags: (buffer, { traceFlags }) => {
    buffer.ascii(readTraceFlags(traceFlags));
  },
};

const spanFields = SPAN_FIELDS.map(({ key, read }) => ({
  quotedKey: Buffer.from(`,"${key}":"`),
  read,
  putLocal:
    LOCAL_DIGITS[key] ??
    ((buffer: LineBuffer, span: LocalSpan) => {
      buffer.text(read(span.spanContext()));
    }),
}));

function appendSpanFields(buffer: LineBuffer, span: Span): void {
  if (span instanceof LocalSpan) {
    for (const { quotedKey, putLocal } of spanFields) {
      buffer.bytes(quotedKey);
      putLocal(buffer, span);
      buffer.bytes(QUOTE);
    }
    return;
  }
  const spanContext = span.spanContext();
  // Written without escaping: only ids that consist of hexadecimal digits.
  if (!isSpanContextValid(spanContext)) return;
  for (const { quotedKey, read } of spanFields) {
    buffer.bytes(quotedKey);
    buffer.text(read(spanContext));
    buffer.bytes(QUOTE);
  }
}

/** `,"key":` of keys that came before; empty for reserved ones. Keys that callers make up must not grow this for ever. */
const quotedKeys = new Map<string, Uint8Array>();

function quoteKey(key: string): Uint8Array {
  const quoted = isReservedKey(key) ? NOTHING : Buffer.from(`,${JSON.stringify(key)}:`);
  if (quotedKeys.size < MAX_KEYS) quotedKeys.set(key, quoted);
  return quoted;
}

/** The bindings of the last line, which most lines have. */
let knownBindings = '';
let bindingsBytes: Uint8Array = NOTHING;

function bytesOfBindings(bindings: string): Uint8Array {
  if (bindings !== knownBindings) {
    knownBindings = bindings;
    bindingsBytes = Buffer.from(bindings);
  }
  return bindingsBytes;
}

let knownSecond = -1;
let secondText = '';
const MILLISECONDS = Array.from({ length: 1_000 }, (_, ms) => String(ms).padStart(3, '0'));

/** Nearly all lines share their second with the one before; V8 makes the text of a large number slowly. */
function appendTime(buffer: LineBuffer, time: number): void {
  const second = Math.floor(time / 1_000);
  const milliseconds = MILLISECONDS[time - second * 1_000];
  if (second < 1 || milliseconds === undefined) {
    // A clock of a test.
    buffer.ascii(String(time));
    return;
  }
  if (second !== knownSecond) {
    knownSecond = second;
    secondText = String(second);
  }
  buffer.ascii(secondText);
  buffer.ascii(milliseconds);
}
