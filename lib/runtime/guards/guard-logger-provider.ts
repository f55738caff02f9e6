import { type Logger, type LoggerProvider, type LogRecord, SeverityNumber } from '@opentelemetry/api';

import { isPlainRecord, toAttributes, toAttributeValue } from '../../engine/attribute-value.js';
import { readSafely, textOf } from '../../engine/copy-bounded.js';
import { exceptionAttributes } from '../../engine/describe-error.js';
import { scopeText } from '../../engine/recording-tracer-provider.js';
import { isContext } from '../../engine/start-active.js';
import { warnOnce } from '../../errors/warnings.js';
import { isMilliseconds, plainTime } from './guard-parts.js';

/**
 * Makes the loggers of this provider take any record: `emit` never throws, and no batch is spoiled.
 */
export function guardLoggerProvider(provider: LoggerProvider): void {
  const getLogger = provider.getLogger.bind(provider);
  const guarded = new WeakMap<Logger, Logger>();
  provider.getLogger = (name, version, options) => {
    const plainOptions = readSafely(() => ({ ...options })) as object;
    const logger = getLogger(scopeText(name) ?? '', scopeText(version), plainOptions);
    let guard = guarded.get(logger);
    if (guard === undefined) guarded.set(logger, (guard = guardLogger(logger)));
    return guard;
  };
}

function guardLogger(logger: Logger): Logger {
  return {
    enabled: (options) => logger.enabled(options),
    emit(record) {
      try {
        logger.emit(isPlainLogRecord(record) ? record : plainRecord(record));
      } catch (error) {
        warnOnce('logs:emit', `A log record is lost: ${textOf(error)}`);
      }
    },
  };
}

function isPlainLogRecord(record: LogRecord): boolean {
  const { attributes, severityNumber, severityText, timestamp, observedTimestamp, context } = record;
  return (
    typeof record.body === 'string' &&
    (attributes === undefined || isPlainRecord(attributes)) &&
    (severityNumber === undefined || typeof severityNumber === 'number') &&
    (severityText === undefined || typeof severityText === 'string') &&
    record.eventName === undefined &&
    record.exception === undefined &&
    (timestamp === undefined || isMilliseconds(timestamp)) &&
    (observedTimestamp === undefined || isMilliseconds(observedTimestamp)) &&
    (context === undefined || isContext(context))
  );
}

/** A record whose parts are what OpenTelemetry's types say. */
function plainRecord(given: LogRecord): LogRecord {
  const read = (key: keyof LogRecord): unknown => readSafely(() => given[key]);
  const record: LogRecord = {};
  const severityNumber = read('severityNumber');
  if (isSeverityNumber(severityNumber)) record.severityNumber = severityNumber;
  for (const key of ['severityText', 'eventName'] as const) {
    const text = scopeText(read(key));
    if (text !== undefined) record[key] = text;
  }
  const body = read('body');
  if (body !== undefined) record.body = toAttributeValue(body) ?? textOf(body);
  const attributes = read('attributes');
  const exception = read('exception');
  const own = attributes === undefined ? undefined : toAttributes(attributes, 'a log record');
  if (own !== undefined || exception !== undefined)
    record.attributes = { ...(exception !== undefined && exceptionAttributes(exception)), ...own };
  for (const key of ['timestamp', 'observedTimestamp'] as const) {
    const time = plainTime(read(key));
    if (time !== undefined) record[key] = time;
  }
  const context = read('context');
  if (isContext(context)) record.context = context;
  return record;
}

function isSeverityNumber(value: unknown): value is SeverityNumber {
  return typeof value === 'number' && Object.hasOwn(SeverityNumber, value);
}
