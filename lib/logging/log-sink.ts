import { tracingChannel } from 'node:diagnostics_channel';

import { type Context, createContextKey, trace } from '@opentelemetry/api';
import { symbols } from 'pino';

import { copyBounded } from '../engine/copy-bounded.js';
import { isTracingSuppressed } from '../engine/suppressed-tracing.js';
import { warnOnce } from '../errors/warnings.js';
import { FastLine, MAX_FAST_BYTES } from './fast-line.js';
import { type Destination } from './line-buffer.js';
import { type Line, otelContextOf } from './log-entry.js';
import { bindingsOf, type LoggerBindings } from './logger-bindings.js';
import { type LineFormat, type LineKeys, type LineParts, PinoLine } from './pino-line.js';
import { addSpanEvent, type EmitLogRecord } from './record-entry.js';

/** Lines in a context with this value are not added to the active span, which has their content. */
export const WITHOUT_SPAN_EVENT = createContextKey('nestjs-telemetry.without-span-event');

/** A longer line is cut down: Loki, for one, refuses lines above 256 KiB. */
const MAX_LINE_LENGTH = 256 * 1024;

export interface LogSinkOptions {
  readonly destination: Destination;
  /** Asked for each line that pino writes: the application may choose another logger. */
  readonly format: () => LineFormat;
  readonly keys: LineKeys;
  readonly spanEvents: boolean;
  /** Absent when no log record processor listens. */
  readonly emitLogRecord: EmitLogRecord | undefined;
  /** Whether pino writes fields as they are: nothing redacts, formats, nests or renames them. */
  readonly writesFieldsAsGiven: boolean;
  /** Whether lines of plain fields are written without pino, which makes no difference to them. */
  readonly writesFastLines: boolean;
}

/** Its subscribers are called for each line that pino writes. */
const pinoLines = tracingChannel('pino_asJson');

/**
 * The stream below pino: passes each redacted line once to the destination, the log record
 * processors and the span. Never throws into the code that logs.
 */
export class LogSink {
  /**
   * Lets pino set the `last…` members before each write: an extra called `level` cannot be mistaken
   * for the level, and the usual line need not be read back.
   */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 30;
  lastObj: unknown;
  lastMsg: unknown;
  lastTime = '';
  lastLogger: object | undefined;
  /**
   * What the root logger writes on each line; a child adds to it, and its lines must be read back.
   */
  rootBindings: unknown;
  private depth = 0;
  private muted = false;

  constructor(private readonly options: LogSinkOptions) {}

  write(line: string): void {
    const { format, keys } = this.options;
    const text = line.length > MAX_LINE_LENGTH ? cutDown(line) : line;
    const otelContext = otelContextOf(this.lastObj);
    const written = { text, level: this.lastLevel, otelContext, parts: this.takeParts(line) };
    this.deliver(new PinoLine(written, format(), keys));
  }

  /** Whether a line can be written without pino now. */
  get writesFastLines(): boolean {
    return this.options.writesFastLines && !pinoLines.hasSubscribers;
  }

  /** Writes a line without pino; false, with nothing written, where pino has to. */
  writeFast(
    level: number,
    fields: Readonly<Record<string, unknown>>,
    message: string,
    bindings: LoggerBindings,
    otelContext: Context,
  ): boolean {
    return this.writesFastLines && this.deliver(new FastLine(level, message, fields, otelContext, bindings));
  }

  /** Runs `write`, whose lines become log records only. */
  withoutOutput(write: () => void): void {
    if (this.options.emitLogRecord === undefined) return;
    const before = this.muted;
    this.muted = true;
    try {
      write();
    } finally {
      this.muted = before;
    }
  }

  flush(callback?: () => void): void {
    this.options.destination.flush();
    callback?.();
  }

  /** What pino was given for this line; undefined where the line may contain something else. */
  private takeParts(line: string): LineParts | undefined {
    const { lastObj: fields, lastMsg: message, lastTime: time, lastLogger } = this;
    // They would keep the objects of the last line alive.
    this.lastObj = undefined;
    this.lastLogger = undefined;
    if (!this.options.writesFieldsAsGiven || line.length > MAX_FAST_BYTES) return undefined;
    return bindingsOf(lastLogger) === this.rootBindings ? { fields, message, time } : undefined;
  }

  /** Returns false, with nothing done, for a line that the other writer has to write. */
  private deliver(line: Line): boolean {
    // A line of a processor or a destination that logs, while a line is written, goes to the
    // destination only; a line of that in turn is dropped, or it would never end.
    if (this.depth > 1) return true;
    this.depth += 1;
    try {
      if (!line.writeTo(this.muted ? undefined : this.options.destination)) return false;
      if (this.depth === 1) this.record(line);
    } catch (error) {
      warnOnce('logging:sink', `A log line could not be written: ${String(error)}`);
    } finally {
      this.depth -= 1;
    }
    return true;
  }

  private record(line: Line): void {
    const { emitLogRecord, spanEvents } = this.options;
    const { otelContext } = line;
    // A line of an exporter that exports must not be exported.
    if (isTracingSuppressed(otelContext)) return;
    emitLogRecord?.(line.entry);
    if (!spanEvents) return;
    const span = trace.getSpan(otelContext);
    if (span?.isRecording() === true && otelContext.getValue(WITHOUT_SPAN_EVENT) === undefined)
      addSpanEvent(span, line.entry);
  }
}

function cutDown(line: string): string {
  try {
    const record = copyBounded(JSON.parse(line)) as Record<string, unknown>;
    return `${JSON.stringify({ ...record, truncated: true })}\n`;
  } catch {
    // Not JSON: a streamWrite hook of the application changed the line.
    return `${line.slice(0, MAX_LINE_LENGTH)}\n`;
  }
}
