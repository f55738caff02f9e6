import { type Context, isSpanContextValid, type Span, trace } from '@opentelemetry/api';

import { isPlainValue } from '../engine/attribute-value.js';
import { localIdsOf, type LocalSpanIds } from '../engine/span-view.js';
import { NO_REDACTION, redaction } from '../redaction/active-redaction.js';
import { type RedactionPolicy, SMALLEST_CARD } from '../redaction/redaction-policy.js';
import { areHarmless } from '../redaction/secret-patterns.js';
import { type Destination, LineBuffer, LONG_TEXT } from './line-buffer.js';
import {
  isReservedKey,
  LEVEL_VALUES,
  type Line,
  type LogEntry,
  readTraceFlags,
  SPAN_FIELDS,
  spanContextOf,
} from './log-entry.js';
import { type LoggerBindings } from './logger-bindings.js';

/** In bytes. pino writes longer lines: they may have texts that must be cut for a log record. */
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
 * A line whose fields are all texts, numbers and booleans, written without pino but byte for byte
 * as pino writes it with our mixin and without options of the application: no objects are merged
 * and no serializers looked for. It is redacted once it is written.
 */
export class FastLine implements Line, LogEntry {
  readonly time = Date.now();
  readonly error = undefined;
  readonly isPlain = true;
  private isRedacted = false;

  /**
   * @param level pino's number
   * @param message any value where the caller ignores the types
   */
  constructor(
    readonly level: number,
    public message: string,
    public fields: Readonly<Record<string, unknown>>,
    readonly otelContext: Context,
    private readonly bindings: LoggerBindings,
  ) {}

  /** It is its own entry where the logger adds nothing to it. */
  get entry(): LogEntry {
    const { fields } = this.bindings;
    return fields === undefined ? this : new BoundEntry(this, { ...fields, ...this.fields });
  }

  get context(): string | undefined {
    return contextIn(this.fields);
  }

  get traceId(): string | undefined {
    return spanContextOf(this.otelContext)?.traceId;
  }

  get spanId(): string | undefined {
    return spanContextOf(this.otelContext)?.spanId;
  }

  writeTo(destination: Destination | undefined): boolean {
    if (redaction().callsApplication && !this.redactAhead()) return false;
    const bytes = destination?.bytes;
    // Standard output opens nothing while it drops lines.
    const buffer = bytes?.open() ?? scratch;
    if (!this.appendTo(buffer)) return false;
    if (buffer !== scratch) bytes?.appended();
    else {
      const text = takeText(buffer);
      if (bytes === undefined) destination?.write(text);
    }
    return true;
  }

  /**
   * Redacts before the buffer is open, because code of the application may write lines too. Returns
   * false where pino has to write the line.
   */
  private redactAhead(): boolean {
    const { fields, message } = this;
    if (typeof message !== 'string') return false;
    for (const key in fields) if (!isPlainValue(fields[key])) return false;
    const policy = redaction();
    this.fields = policy.attributes(fields); // each was looked at
    this.message = policy.text(message);
    this.isRedacted = true;
    return true;
  }

  /** Returns false, with `buffer` as it was, for what only pino can write. */
  private appendTo(buffer: LineBuffer): boolean {
    const before = buffer.length;
    try {
      if (this.append(buffer, before + MAX_FAST_BYTES)) return true;
    } catch {
      // A getter threw. pino's guard writes what can be read.
    }
    buffer.truncate(before);
    return false;
  }

  /** @param limit length of the buffer at which the line is too long */
  private append(buffer: LineBuffer, limit: number): boolean {
    const { message, fields } = this;
    const policy = this.isRedacted ? NO_REDACTION : redaction();
    if (policy !== keysBelongTo) forgetKeys(policy);
    const head = heads.get(this.level);
    if (head === undefined || typeof message !== 'string' || message.length > MAX_FAST_BYTES) return false;
    buffer.bytes(head);
    appendTime(buffer, this.time);
    buffer.bytes(bytesOfBindings(this.bindings.text));
    const span = trace.getSpan(this.otelContext);
    if (span !== undefined) appendSpanFields(buffer, span);
    for (const key in fields) {
      const value = fields[key];
      const known = knownKeys.get(key) ?? learnKey(key, policy);
      const { quoted, isPlain } = known;
      if (quoted.length === 0 || buffer.length > limit) return false;
      buffer.bytes(quoted);
      if (typeof value === 'string') {
        if (value.length > MAX_FAST_BYTES) return false;
        const before = buffer.length;
        const hints = isPlain ? appendShort(buffer, value) : NOT_APPENDED;
        if (areHarmless(hints, value.length)) continue;
        const clean = policy.attribute(key, value);
        if (hints !== NOT_APPENDED && clean === value) continue;
        buffer.truncate(before);
        this.appendClean(buffer, key, value, clean);
      } else if (typeof value === 'number') {
        if (isPlain && value < SMALLEST_CARD && Number.isFinite(value)) buffer.number(value);
        else if (Number.isFinite(value)) this.appendClean(buffer, key, value, policy.attribute(key, value));
        else return false;
      } else if (typeof value === 'boolean') buffer.ascii(value ? 'true' : 'false');
      else return false;
    }
    buffer.bytes(MESSAGE);
    const before = buffer.length;
    const hints = policy.trustsCharacters ? appendShort(buffer, message) : NOT_APPENDED;
    if (!areHarmless(hints, message.length)) {
      this.message = policy.text(message);
      buffer.truncate(before);
      buffer.quoted(this.message);
    }
    buffer.bytes(END);
    return buffer.length <= limit;
  }

  /** Appends what redaction made of a value, and keeps it in the fields. */
  private appendClean(buffer: LineBuffer, key: string, value: string | number, clean: string | number): void {
    if (typeof clean === 'string') buffer.quoted(clean);
    else buffer.number(clean);
    if (clean !== value) this.fields = { ...this.fields, [key]: clean };
  }
}

/** The entry of a line of a child, with what that is bound to. */
class BoundEntry implements LogEntry {
  readonly level: number;
  readonly time: number;
  readonly message: string;
  readonly error = undefined;
  readonly isPlain = true;
  readonly context: string | undefined;
  readonly otelContext: Context;

  constructor(
    private readonly line: FastLine,
    readonly fields: Readonly<Record<string, unknown>>,
  ) {
    this.level = line.level;
    this.time = line.time;
    this.message = line.message;
    this.context = contextIn(fields);
    this.otelContext = line.otelContext;
  }

  get traceId(): string | undefined {
    return this.line.traceId;
  }

  get spanId(): string | undefined {
    return this.line.spanId;
  }
}

function contextIn({ context }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof context === 'string' ? context : undefined;
}

function takeText(buffer: LineBuffer): string {
  const text = buffer.view().toString();
  buffer.truncate(0);
  return text;
}

/** Digits from the numbers of a span of the fast engine, without a text of them. */
const LOCAL_DIGITS: Record<
  (typeof SPAN_FIELDS)[number]['key'],
  (buffer: LineBuffer, span: LocalSpanIds) => void
> = {
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
  putLocal: LOCAL_DIGITS[key],
}));

function appendSpanFields(buffer: LineBuffer, span: Span): void {
  const ids = localIdsOf(span);
  if (ids !== undefined) {
    for (const { quotedKey, putLocal } of spanFields) {
      buffer.bytes(quotedKey);
      putLocal(buffer, ids);
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

/** Hints of a text that was not appended: it may be anything. */
const NOT_APPENDED = -1;

/** Appends a short ASCII text and returns the hints of its characters, else `NOT_APPENDED`. */
function appendShort(buffer: LineBuffer, text: string): number {
  return text.length > LONG_TEXT ? NOT_APPENDED : buffer.quotedAscii(text);
}

interface KnownKey {
  /** `,"key":`; empty for a reserved one. */
  readonly quoted: Uint8Array;
  /** Whether the characters of its value may show that it holds no secret. */
  readonly isPlain: boolean;
}

/** Bounded, because callers may make up keys. */
const knownKeys = new Map<string, KnownKey>();
let keysBelongTo: RedactionPolicy | undefined;

function learnKey(key: string, policy: RedactionPolicy): KnownKey {
  const quoted = isReservedKey(key) ? NOTHING : Buffer.from(`,${JSON.stringify(key)}:`);
  const known = { quoted, isPlain: policy.trustsCharacters && policy.isPlainKey(key) };
  if (knownKeys.size < MAX_KEYS) knownKeys.set(key, known);
  return known;
}

function forgetKeys(policy: RedactionPolicy): void {
  knownKeys.clear();
  keysBelongTo = policy;
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

/** V8 is slow with texts of large numbers; most lines share their second with the last one. */
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
