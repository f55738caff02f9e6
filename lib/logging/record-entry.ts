import { type Attributes, type Logger, logs, type Span } from '@opentelemetry/api';

import {
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_LOG_CONTEXT,
  ATTR_LOG_MESSAGE,
  ATTR_LOG_SEVERITY,
} from '../config/semantic-conventions.constants.js';
import { clipText, copyBounded } from '../engine/copy-bounded.js';
import { describedAttributes, ownProperties } from '../engine/describe-error.js';
import { type RedactedLogRecord } from '../engine/limited-logger-provider.js';
import { addRedactedEvent } from '../engine/span-view.js';
import { type LogEntry, nameSeverity } from './log-entry.js';

const MAX_LOGGERS = 1_000;
const LIBRARY_NAME = 'nestjs-telemetry';

/** Sends one entry to the registered LoggerProvider. */
export type EmitLogRecord = (entry: LogEntry) => void;

/** An emitter for the provider that is registered when the first line comes. */
export function createLogRecordEmitter(): EmitLogRecord {
  const loggers = new Map<string, Logger>();
  return (entry) => {
    const name = entry.context ?? LIBRARY_NAME;
    let logger = loggers.get(name);
    if (logger === undefined) {
      logger = logs.getLogger(name);
      // Contexts are class names, but an application may make up one per request.
      if (loggers.size < MAX_LOGGERS) loggers.set(name, logger);
    }
    const severity = nameSeverity(entry.level);
    const record: RedactedLogRecord = {
      isRedacted: true,
      severityNumber: severity.number,
      severityText: severity.text,
      body: entry.message,
      attributes: attributesOf(entry),
      timestamp: entry.time,
      observedTimestamp: entry.observedTime ?? entry.time,
      context: entry.otelContext,
    };
    logger.emit(record);
  };
}

function attributesOf({ isPlain, fields, error }: LogEntry): Attributes {
  // The line was JSON: a log record may carry each value.
  const attributes = (isPlain ? fields : copyBounded(fields)) as Attributes;
  if (error === undefined) return attributes;
  const own = ownProperties(error);
  return {
    ...attributes,
    ...describedAttributes(error),
    ...(Object.keys(own).length > 0 && { err: own }), // bounded when the error was described
  };
}

const MAX_FIELDS = 40;
const MAX_ERROR_PROPERTIES = 10;
const MAX_TEXT = 1_024;
const MAX_STACK = 8_192;
const MAX_DEPTH = 3;

/**
 * Adds the entry to `span` as an event `log`, which Jaeger shows among the span's logs. It is
 * small, because a span that does not fit into one UDP packet (65,000 bytes) is lost.
 */
export function addSpanEvent(span: Span, entry: LogEntry): void {
  const { context, error } = entry;
  const attributes: Attributes = {
    [ATTR_LOG_SEVERITY]: nameSeverity(entry.level).text,
    [ATTR_LOG_MESSAGE]: clipText(entry.message, MAX_TEXT),
  };
  if (context !== undefined) attributes[ATTR_LOG_CONTEXT] = context;
  if (error !== undefined) {
    const described = describedAttributes(error);
    for (const key in described) {
      const limit = key === ATTR_EXCEPTION_STACKTRACE ? MAX_STACK : MAX_TEXT;
      attributes[key] = clipText(String(described[key]), limit);
    }
    flatten(ownProperties(error), 'err.', attributes, 1, MAX_ERROR_PROPERTIES);
  }
  flatten(entry.fields, '', attributes, 0, MAX_FIELDS, context === undefined ? undefined : 'context');
  addRedactedEvent(span, 'log', attributes, entry.time);
}

function flatten(
  fields: Readonly<Record<string, unknown>>,
  prefix: string,
  into: Attributes,
  depth: number,
  room: number,
  skipped?: string,
): number {
  let left = room;
  for (const key in fields) {
    if (left <= 0) return 0;
    if (key === skipped) continue;
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
