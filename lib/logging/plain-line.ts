import { type Attributes, type SpanContext } from '@opentelemetry/api';

import { type LineRecord } from './emit-log-record.js';
import { TRACE_FLAGS } from './line-context.js';
import { type LogLine } from './parse-log-line.js';
import { type LineSource } from './written-line.js';

/** A longer line may hold texts that have to be cut for a log record. */
const MAX_LENGTH = 4_096;
const MAX_KEYS = 4_096;

/** What JSON cannot hold as it stands. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;
/** From here on the engine's own escaping is faster than looking whether there is something to escape. */
const LONG_TEXT = 100;

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

/** `,"key":` of keys that came before; empty for those that are not plain. What callers make up must not grow this for ever. */
const quotedKeys = new Map<string, string>();

/** A line whose fields are all texts, numbers and booleans, which says what it says without being read back. */
export class PlainLine implements LineSource, LineRecord {
  readonly time = Date.now();

  /**
   * @param level pino's number
   * @param attributes the fields as the caller gave them, and `context`, the class that logs
   * @param span the span the line belongs to
   */
  constructor(
    readonly level: number,
    readonly message: string,
    readonly attributes: Attributes,
    private readonly span: SpanContext | undefined,
  ) {}

  /**
   * The line as pino writes it with our mixin and none of the application's options, without merged objects and without
   * looking for serializers; undefined for whatever is not plain, which is then pino's to write.
   *
   * @param bindings what the logger puts on each of its lines, as JSON that begins with a comma
   */
  render(bindings: string): string | undefined {
    const { level, time, message, attributes, span } = this;
    if (typeof message !== 'string') return undefined;
    let text = `{"level":${level},"time":${time}${bindings}`;
    if (span !== undefined) {
      const flags = TRACE_FLAGS[span.traceFlags & 0xff];
      text += `,"trace_id":"${span.traceId}","span_id":"${span.spanId}","trace_flags":"${flags}"`;
    }
    for (const key in attributes) {
      const value = attributes[key];
      const quotedKey = quotedKeys.get(key) ?? quoteKey(key);
      if (quotedKey === '') return undefined;
      if (typeof value === 'string') text += quotedKey + quote(value);
      else if (typeof value === 'boolean' || Number.isFinite(value)) text += quotedKey + String(value);
      else return undefined;
    }
    text += `,"msg":${quote(message)}}\n`;
    return text.length > MAX_LENGTH ? undefined : text;
  }

  get context(): string | undefined {
    const { context } = this.attributes;
    return typeof context === 'string' ? context : undefined;
  }

  toRecord(): LineRecord {
    return this;
  }

  read(): LogLine {
    const { level, time, message, context, span, attributes } = this;
    const fields: Record<string, unknown> = {};
    for (const key in attributes)
      if (key !== 'context' || context === undefined) fields[key] = attributes[key];
    const ids = { traceId: span?.traceId, spanId: span?.spanId };
    return { level, time, message, context, ...ids, error: undefined, fields, plain: true };
  }
}

function quoteKey(key: string): string {
  const quoted = NOT_PLAIN.has(key) ? '' : `,${quote(key)}:`;
  if (quotedKeys.size < MAX_KEYS) quotedKeys.set(key, quoted);
  return quoted;
}

function quote(text: string): string {
  return text.length > LONG_TEXT || NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}
