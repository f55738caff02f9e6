import { type Attributes, type Logger, type Span, logs } from '@opentelemetry/api';
import type { RedactedLogRecord } from '../recording/limited-logger-provider.js';
import { lineContext, nameSeverity } from './log-entry.js';
import { clipText, copyBounded } from '../recording/copy-bounded.js';
import type { LineContent, LogLine } from './pino-line.js';
import { ownProperties, renderStack } from '../recording/describe-error.js';

const MAX_LOGGERS = 1_000;
const LIBRARY_NAME = 'nestjs-telemetry';

/** What a log record says of a line. */
export interface LineRecord {
  /** pino's number. */
  readonly level: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** When the line was seen, where `time` is what the application's logger says. Default: `time`. */
  readonly observedTime?: number;
  readonly message: string;
  /** The class that logged: the record's instrumentation scope. */
  readonly context: string | undefined;
  /** Not changed, and not kept longer than a processor keeps it. */
  readonly attributes: Attributes;
}

/** Sends one line to the registered LoggerProvider. */
export type EmitLogRecord = (line: LineRecord) => void;

/** An emitter whose loggers belong to the provider that is registered when the first line comes. */
export function createLogRecordEmitter(): EmitLogRecord {
  const loggers = new Map<string, Logger>();
  return (line) => {
    const name = line.context ?? LIBRARY_NAME;
    let logger = loggers.get(name);
    if (logger === undefined) {
      logger = logs.getLogger(name);
      // Contexts are class names; a context made up per request must not grow this for ever.
      if (loggers.size < MAX_LOGGERS) loggers.set(name, logger);
    }
    const severity = nameSeverity(line.level);
    const record: RedactedLogRecord = {
      isRedacted: true,
      severityNumber: severity.number,
      severityText: severity.text,
      body: line.message,
      attributes: line.attributes,
      timestamp: line.time,
      observedTimestamp: line.observedTime ?? line.time,
      context: lineContext(),
    };
    logger.emit(record);
  };
}

/** The record of a line that was read back. */
export function toLineRecord(line: LogLine): LineRecord {
  const { level, time, message, context } = line;
  return { level, time, observedTime: Date.now(), message, context, attributes: attributesOf(line) };
}

function attributesOf({ plain, fields, context, error }: LogLine): Attributes {
  // The line was JSON, so every value is one that a log record may carry.
  const attributes = (plain === true ? { ...fields } : copyBounded(fields)) as Attributes;
  if (context !== undefined) attributes.context = context;
  if (error === undefined) return attributes;
  attributes['exception.type'] = error.type;
  attributes['exception.message'] = error.message;
  attributes['exception.stacktrace'] = renderStack(error);
  const own = ownProperties(error);
  if (Object.keys(own).length > 0) attributes.err = own;
  return attributes;
}

const MAX_FIELDS = 40;
const MAX_ERROR_PROPERTIES = 10;
const MAX_TEXT = 1_024;
const MAX_STACK = 8_192;
const MAX_DEPTH = 3;

/**
 * Puts the line on `span` as an event named `log`, which Jaeger shows among the span's logs. Small on purpose: a span
 * that outgrows one UDP packet (65,000 bytes) is lost as a whole.
 */
export function addSpanEvent(span: Span, line: LineContent): void {
  const attributes: Attributes = {
    'log.severity': nameSeverity(line.level).text,
    'log.message': clipText(line.message, MAX_TEXT),
  };
  if (line.context !== undefined) attributes['log.context'] = line.context;
  if (line.error !== undefined) {
    attributes['exception.type'] = line.error.type;
    attributes['exception.message'] = clipText(line.error.message, MAX_TEXT);
    attributes['exception.stacktrace'] = clipText(renderStack(line.error), MAX_STACK);
    flatten(ownProperties(line.error), 'err.', attributes, 1, MAX_ERROR_PROPERTIES);
  }
  flatten(line.fields, '', attributes, 0, MAX_FIELDS);
  span.addEvent('log', attributes, line.time);
}

function flatten(
  fields: Readonly<Record<string, unknown>>,
  prefix: string,
  into: Attributes,
  depth: number,
  room: number,
): number {
  let left = room;
  for (const key in fields) {
    if (left <= 0) return 0;
    const value = fields[key];
    if (isRecord(value) && depth < MAX_DEPTH)
      left = flatten(value, `${prefix}${key}.`, into, depth + 1, left);
    else if (value !== null && value !== undefined && into[prefix + key] === undefined) {
      into[prefix + key] = toAttribute(value);
      left -= 1;
    }
  }
  return left;
}

function toAttribute(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return clipText(typeof value === 'string' ? value : JSON.stringify(value), MAX_TEXT);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
