import {
  type AnyValue,
  type Attributes,
  type Logger,
  type LoggerOptions,
  type LoggerProvider,
  type LogRecord,
} from '@opentelemetry/api';

import { redaction } from '../redaction/active-redaction.js';
import { recordingCounts } from './recording-counts.js';

/** Values are not followed further down. */
const MAX_DEPTH = 8;

/** A logger provider that can be flushed and stopped. */
export interface FlushableLoggerProvider extends LoggerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Counts log records, keeps secrets out of those that are no lines of ours, and cuts texts in their bodies and attributes, before they reach another provider. */
export class LimitedLoggerProvider implements FlushableLoggerProvider {
  private readonly loggers = new WeakMap<Logger, Logger>();

  constructor(
    private readonly next: FlushableLoggerProvider,
    /** Characters of a text. */
    private readonly valueLength: number,
  ) {}

  getLogger(name: string, version?: string, options?: LoggerOptions): Logger {
    const next = this.next.getLogger(name, version, options);
    let logger = this.loggers.get(next);
    if (logger === undefined) {
      const { valueLength } = this;
      logger = {
        enabled: (asked) => next.enabled(asked),
        emit: (record) => {
          recordingCounts.logRecords += 1;
          next.emit(limitRecord(isRedacted(record) ? record : redactRecord(record), valueLength));
        },
      };
      this.loggers.set(next, logger);
    }
    return logger;
  }

  forceFlush(): Promise<void> {
    return this.next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.next.shutdown();
  }
}

/** A record of a log line, which has passed the redaction policy already. */
export interface RedactedLogRecord extends LogRecord {
  readonly isRedacted: true;
}

function isRedacted(record: LogRecord): record is RedactedLogRecord {
  return (record as Partial<RedactedLogRecord>).isRedacted === true;
}

/** The record itself while there is no secret in it. */
function redactRecord(record: LogRecord): LogRecord {
  const policy = redaction();
  const { attributes } = record;
  // The policy returns a text for a text, and copies of lists and objects.
  const body = policy.nested(record.body);
  const kept = attributes === undefined ? undefined : policy.attributes(attributes);
  if (body === record.body && kept === attributes) return record;
  return { ...record, body, ...(kept !== undefined && { attributes: kept }) };
}

/** The record itself while no text is too long. */
function limitRecord(record: LogRecord, length: number): LogRecord {
  const { attributes } = record;
  const body = limitValue(record.body, length, 0);
  const limited = attributes === undefined ? undefined : (limitValue(attributes, length, 0) as Attributes);
  if (body === record.body && limited === attributes) return record;
  return { ...record, body, ...(limited !== undefined && { attributes: limited }) };
}

/** The value itself while no text in it is too long, else a copy. */
function limitValue(value: AnyValue, length: number, depth: number): AnyValue {
  if (typeof value === 'string') return value.length <= length ? value : value.slice(0, length);
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return value;
  if (value instanceof Uint8Array) return value.length <= length ? value : value.slice(0, length);
  if (Array.isArray(value)) return limitArray(value, length, depth);
  const entries = value as Record<string, AnyValue>;
  let copy: Record<string, AnyValue> | undefined;
  for (const key in entries) {
    const entry = entries[key];
    // Most are short texts: only others are worth a call.
    if (typeof entry === 'string' ? entry.length <= length : typeof entry !== 'object') continue;
    const limited = limitValue(entry, length, depth + 1);
    if (limited !== entry) (copy ??= { ...entries })[key] = limited;
  }
  return copy ?? value;
}

function limitArray(values: readonly AnyValue[], length: number, depth: number): AnyValue {
  let copy: AnyValue[] | undefined;
  for (const [index, entry] of values.entries()) {
    const limited = limitValue(entry, length, depth + 1);
    if (limited !== entry) (copy ??= [...values])[index] = limited;
  }
  return copy ?? values;
}
