import { context, createContextKey, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { symbols } from 'pino';

import { warnOnce } from '../errors/warnings.js';
import { addSpanEvent } from './add-span-event.js';
import { copyBounded } from './copy-bounded.js';
import { type EmitLogRecord } from './emit-log-record.js';
import { formatTextLine } from './format-text-line.js';
import { type Destination } from './logging-state.js';
import { type LineKeys, type LogLine, parseLogLine } from './parse-log-line.js';

/** Lines written in a context that carries this are not put on the active span, because the span says it already. */
export const WITHOUT_SPAN_EVENT = createContextKey('nestjs-telemetry.without-span-event');

/** A longer line is cut down before it goes anywhere; Loki, for one, refuses lines above 256 KiB. */
const MAX_LINE_LENGTH = 256 * 1024;

export interface LogSinkOptions {
  readonly destination: Destination;
  readonly format: 'json' | 'text';
  readonly keys: LineKeys;
  readonly spanEvents: boolean;
  /** Absent when no log record processor listens. */
  readonly emitLogRecord: EmitLogRecord | undefined;
}

/**
 * The stream below pino: takes each line as it is after redaction, and hands it once to the destination, the log
 * record processors and the active span. Never throws into whoever logs.
 */
export class LogSink {
  /** Asks pino to set `lastLevel` before each write: an extra called `level` cannot be mistaken for it. */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 30;
  lastObj: unknown;
  private depth = 0;

  constructor(private readonly options: LogSinkOptions) {}

  write(line: string): void {
    const level = this.lastLevel;
    // pino leaves it here; kept, it would hold on to whatever the last line was about.
    this.lastObj = undefined;
    // A line made while a line is being written (a processor or a destination that logs) goes to the destination
    // only; one made by that in turn goes nowhere, or it would never end.
    if (this.depth > 1) return;
    this.depth += 1;
    try {
      this.distribute(line.length > MAX_LINE_LENGTH ? cutDown(line) : line, level, this.depth > 1);
    } catch (error) {
      warnOnce('logging:sink', `A log line could not be written: ${String(error)}`);
    } finally {
      this.depth -= 1;
    }
  }

  flush(callback?: () => void): void {
    this.options.destination.flush();
    callback?.();
  }

  private distribute(line: string, level: number, nested: boolean): void {
    const { destination, format, keys, emitLogRecord, spanEvents } = this.options;
    let parsed: LogLine | undefined;
    const parse = (): LogLine => (parsed ??= parseLogLine(line, level, keys));
    destination.write(format === 'text' ? formatTextLine(parse()) : line);
    if (nested) return;
    const active = context.active();
    // What an exporter logs while it exports must not become the next thing to export.
    if (isTracingSuppressed(active)) return;
    emitLogRecord?.(parse());
    if (!spanEvents) return;
    const span = trace.getSpan(active);
    if (span?.isRecording() === true && active.getValue(WITHOUT_SPAN_EVENT) === undefined)
      addSpanEvent(span, parse());
  }
}

function cutDown(line: string): string {
  const record = copyBounded(JSON.parse(line)) as Record<string, unknown>;
  return `${JSON.stringify({ ...record, truncated: true })}\n`;
}
