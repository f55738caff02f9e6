import { type Attributes, type Logger, logs } from '@opentelemetry/api';

import { type RedactedLogRecord } from '../recording/limited-logger-provider.js';
import { lineContext } from './line-context.js';
import { copyBounded } from '../recording/copy-bounded.js';
import { nameSeverity } from './name-severity.js';
import { type LogLine } from './parse-log-line.js';
import { ownProperties, renderStack } from './serialize-error.js';

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
