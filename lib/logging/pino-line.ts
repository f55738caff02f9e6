import { type Context } from '@opentelemetry/api';

import { isSerializedError, type SerializedError } from '../engine/describe-error.js';
import { type Destination } from './line-buffer.js';
import { isNoField, type Line, type LogEntry } from './log-entry.js';

/** Formats lines for people; undefined where lines stay the JSON that pino wrote. */
export type LineFormat = ((entry: LogEntry) => string) | undefined;

/** Keys of a pino instance, which the application may rename. */
export interface LineKeys {
  readonly message: string;
  readonly error: string;
  /** pino's `nestedKey`: everything but the message lies under it. */
  readonly nested: string | undefined;
}

/** What pino was given for a line, before it wrote it. */
export interface LineParts {
  readonly fields: unknown;
  readonly message: unknown;
  /** Milliseconds since the epoch, as text. */
  readonly time: string;
}

export interface WrittenByPino {
  readonly text: string;
  /** pino's number. */
  readonly level: number;
  readonly otelContext: Context;
  /** Absent where options of the application may have changed the line: then it is read back. */
  readonly parts: LineParts | undefined;
}

/** A line that pino wrote. Its entry is made when it is first read. */
export class PinoLine implements Line {
  private read: LogEntry | undefined;

  constructor(
    private readonly written: WrittenByPino,
    private readonly format: LineFormat,
    private readonly keys: LineKeys,
  ) {}

  get otelContext(): Context {
    return this.written.otelContext;
  }

  get entry(): LogEntry {
    return (this.read ??= entryOfParts(this.written) ?? entryOfText(this.written, this.keys));
  }

  writeTo(destination: Destination | undefined): boolean {
    destination?.write(this.format?.(this.entry) ?? this.written.text);
    return true;
  }
}

/**
 * The entry of the usual line, whose fields are all texts, numbers and booleans; undefined for any
 * other, because only its text shows what JSON makes of the fields.
 */
function entryOfParts({ parts, level, otelContext }: WrittenByPino): LogEntry | undefined {
  if (parts === undefined || typeof parts.message !== 'string') return undefined;
  if (typeof parts.fields !== 'object' || parts.fields === null) return undefined;
  const given = parts.fields as Readonly<Record<string, unknown>>; // an object, and any key may be asked
  const fields: Record<string, unknown> = {};
  for (const key in given) {
    const value = given[key];
    if (value === undefined) continue;
    // In the line the message comes last, and wins over a field of its name.
    if (!isJsonPrimitive(value) || key === 'msg') return undefined;
    if (!isNoField(key)) fields[key] = value;
  }
  const { message } = parts;
  const time = readTime(Number(parts.time));
  return { level, time, message, error: undefined, fields, isPlain: true, otelContext, ...readIds(given) };
}

function readIds(line: Readonly<Record<string, unknown>>): Pick<LogEntry, 'context' | 'traceId' | 'spanId'> {
  const { context, trace_id, span_id } = line;
  return { context: readText(context), traceId: readText(trace_id), spanId: readText(span_id) };
}

/** A line that is not JSON (the application may rewrite lines) is all message. */
function entryOfText({ text, level, otelContext }: WrittenByPino, keys: LineKeys): LogEntry {
  const record = readRecord(text, keys);
  const fields: Record<string, unknown> = {};
  let error: SerializedError | undefined;
  for (const key in record) {
    const value = record[key];
    if (isNoField(key) || key === keys.message) continue;
    if (error === undefined && (key === keys.error || key === 'error') && isSerializedError(value))
      error = value;
    else fields[key] = value;
  }
  return {
    level,
    time: readTime(record.time),
    observedTime: Date.now(),
    message: readMessage(record[keys.message], error),
    error,
    fields,
    isPlain: false,
    otelContext,
    ...readIds(record),
  };
}

function isJsonPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function readRecord(text: string, keys: LineKeys): Record<string, unknown> {
  try {
    const record = JSON.parse(text) as Record<string, unknown>; // pino writes objects only
    if (keys.nested === undefined) return record;
    const { [keys.nested]: nested, ...rest } = record;
    return typeof nested === 'object' && nested !== null ? { ...rest, ...nested } : record;
  } catch {
    // Not JSON: a streamWrite hook of the application changed the line.
    return { [keys.message]: text.trimEnd() };
  }
}

/** pino writes milliseconds, seconds (`unixTime`) or an ISO text, as the application chose. */
function readTime(time: unknown): number {
  if (typeof time === 'number') return time < 100_000_000_000 ? time * 1_000 : time;
  const parsed = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? Date.now() : parsed;
}

function readMessage(message: unknown, error: SerializedError | undefined): string {
  if (typeof message === 'string') return message;
  if (message === undefined) return error?.message ?? '';
  return JSON.stringify(message);
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
