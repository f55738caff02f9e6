import { type Attributes, type Logger, logs } from '@opentelemetry/api';

import { lineContext } from './line-context.js';
import { copyBounded } from './copy-bounded.js';
import { nameSeverity } from './name-severity.js';
import { type LogLine } from './parse-log-line.js';
import { ownProperties, renderStack } from './serialize-error.js';

const MAX_LOGGERS = 1_000;
const LIBRARY_NAME = 'nestjs-telemetry';

/** Sends one line to the registered LoggerProvider; the class that logged is the instrumentation scope. */
export type EmitLogRecord = (line: LogLine) => void;

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
    logger.emit({
      severityNumber: severity.number,
      severityText: severity.text,
      body: line.message,
      attributes: recordAttributes(line),
      timestamp: line.time,
      context: lineContext(),
    });
  };
}

function recordAttributes(line: LogLine): Attributes {
  // The line was JSON, so every value is one that a log record may carry.
  const attributes = (line.plain === true ? { ...line.fields } : copyBounded(line.fields)) as Attributes;
  if (line.context !== undefined) attributes.context = line.context;
  if (line.error === undefined) return attributes;
  attributes['exception.type'] = line.error.type;
  attributes['exception.message'] = line.error.message;
  attributes['exception.stacktrace'] = renderStack(line.error);
  const own = ownProperties(line.error);
  if (Object.keys(own).length > 0) attributes.err = own;
  return attributes;
}
