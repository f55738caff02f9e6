import { type LineRecord, toLineRecord } from './record-entry.js';
import type { Destination } from './logging-state.js';
import { type SerializedError, isSerializedError } from '../recording/describe-error.js';

/** Returns the text of a line for people; undefined where lines stay the JSON that pino wrote. */
export type LineFormat = ((line: LogLine) => string) | undefined;

/** A line on its way to whoever wants it; what it says is found out when somebody asks. */
export interface LineSource {
  /** Returns false, and writes nothing, where somebody else has to write it. */
  writeTo(destination: Destination): boolean;
  toRecord(): LineRecord;
  toContent(): LineContent;
}

/** A line that pino wrote. */
export class WrittenLine implements LineSource {
  private line: LogLine | undefined;

  /** @param parts what pino was given, where the line says nothing else */
  constructor(
    private readonly text: string,
    private readonly level: number,
    private readonly parts: LineParts | undefined,
    private readonly format: LineFormat,
    private readonly keys: LineKeys,
  ) {}

  writeTo(destination: Destination): boolean {
    destination.write(this.format?.(this.read()) ?? this.text);
    return true;
  }

  toRecord(): LineRecord {
    return toLineRecord(this.read());
  }

  toContent(): LineContent {
    return this.read();
  }

  private read(): LogLine {
    const { text, level, parts, keys } = this;
    return (this.line ??= (parts && readPlainLine(parts, level)) ?? parseLogLine(text, level, keys));
  }
}

/** Under which keys this pino instance writes what; the application may rename them. */
export interface LineKeys {
  readonly message: string;
  readonly error: string;
  /** pino's `nestedKey`: everything but the message lies under it. */
  readonly nested: string | undefined;
}

/** What a line says, but for the span it belongs to. */
export interface LineContent {
  /** pino's number: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
  readonly level: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly message: string;
  readonly context: string | undefined;
  readonly error: SerializedError | undefined;
  /** Everything else the caller attached. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One line, read back after redaction and taken apart. */
export interface LogLine extends LineContent {
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** Whether every field is a text, number or boolean, so that none needs a bounded copy. Default false. */
  readonly plain?: boolean;
}

/** Said by the resource or by the parts above, so not a field of its own. */
const APART = new Set(['level', 'time', 'service', 'pid', 'hostname', 'trace_id', 'span_id', 'trace_flags']);

/** What the line says. A line that is not JSON (the application may rewrite lines) is all message. */
export function parseLogLine(line: string, level: number, keys: LineKeys): LogLine {
  const record = readRecord(line, keys);
  const fields: Record<string, unknown> = {};
  let error: SerializedError | undefined;
  for (const key in record) {
    const value = record[key];
    if (APART.has(key) || key === keys.message || (key === 'context' && typeof value === 'string')) continue;
    if (error === undefined && (key === keys.error || key === 'error') && isSerializedError(value))
      error = value;
    else fields[key] = value;
  }
  return {
    level,
    time: readTime(record.time),
    message: readMessage(record[keys.message], error),
    context: readText(record.context),
    traceId: readText(record.trace_id),
    spanId: readText(record.span_id),
    error,
    fields,
  };
}

/** What pino was given for a line, before it wrote it. */
export interface LineParts {
  readonly fields: unknown;
  readonly message: unknown;
  /** Milliseconds since the epoch, as text. */
  readonly time: string;
}

/**
 * The same line without reading it back, for the usual one whose fields are all texts, numbers and booleans; undefined
 * for any other, because what JSON makes of its fields is known only from the line.
 */
function readPlainLine({ fields: given, message, time }: LineParts, level: number): LogLine | undefined {
  if (typeof message !== 'string' || typeof given !== 'object' || given === null) return undefined;
  const fields: Record<string, unknown> = {};
  const apart: Record<string, unknown> = {};
  const record = given as Record<string, unknown>;
  for (const key in record) {
    const value = record[key];
    if (value === undefined) continue;
    // A field called as the message is: in the line the message comes last and wins.
    if (!isPlain(value) || key === 'msg') return undefined;
    if (APART.has(key) || (key === 'context' && typeof value === 'string')) apart[key] = value;
    else fields[key] = value;
  }
  return {
    level,
    time: readTime(Number(time)),
    message,
    context: readText(apart.context),
    traceId: readText(apart.trace_id),
    spanId: readText(apart.span_id),
    error: undefined,
    fields,
    plain: true,
  };
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function readRecord(line: string, keys: LineKeys): Record<string, unknown> {
  try {
    const record = JSON.parse(line) as Record<string, unknown>;
    if (keys.nested === undefined) return record;
    const { [keys.nested]: nested, ...rest } = record;
    return typeof nested === 'object' && nested !== null ? { ...rest, ...nested } : record;
  } catch {
    // Not JSON: a streamWrite hook of the application changed the line, which is its right.
    return { [keys.message]: line.trimEnd() };
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
