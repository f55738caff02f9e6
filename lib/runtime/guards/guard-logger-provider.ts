import {
  type Logger,
  type LoggerProvider,
  type LogRecord,
  SeverityNumber,
  type TimeInput,
} from '@opentelemetry/api';

import { isPlainRecord, toAttributes, toAttributeValue } from '../../engine/attribute-value.js';
import { readSafely, textOf } from '../../engine/copy-bounded.js';
import { exceptionAttributes } from '../../engine/describe-error.js';
import { isContext } from '../../engine/recording-tracer.js';
import { scopeText } from '../../engine/recording-tracer-provider.js';
import { warnOnce } from '../../errors/warnings.js';

/** Makes the loggers of this provider take any record: `emit` does not throw, and no record spoils the batch it is in. */
export function guardLoggerProvider(provider: LoggerProvider): void {
  const getLogger = provider.getLogger.bind(provider);
  const guarded = new WeakMap<Logger, Logger>();
  provider.getLogger = (name, version, options) => {
    const logger = getLogger(
      scopeText(name) ?? '',
      scopeText(version),
      readSafely(() => ({ ...options })) as object,
    );
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
  const {
    body,
    attributes,
    severityNumber,
    severityText,
    eventName,
    timestamp,
    observedTimestamp,
    exception,
  } = record;
  return (
    typeof body === 'string' &&
    (attributes === undefined || isPlainRecord(attributes)) &&
    (severityNumber === undefined || typeof severityNumber === 'number') &&
    (severityText === undefined || typeof severityText === 'string') &&
    eventName === undefined &&
    exception === undefined &&
    isMilliseconds(timestamp) &&
    isMilliseconds(observedTimestamp) &&
    (record.context === undefined || isContext(record.context))
  );
}

function isMilliseconds(time: unknown): boolean {
  return time === undefined || (typeof time === 'number' && time >= 0 && time < MAX_EPOCH_MS);
}

const MAX_EPOCH_MS = 2 ** 63 / 1_000_000;

/** A record whose parts are what OpenTelemetry's types say. */
function plainRecord(given: LogRecord): LogRecord {
  const read = (key: keyof LogRecord): unknown => readSafely(() => given[key]);
  const record: LogRecord = {};
  const severityNumber = read('severityNumber');
  if (isSeverityNumber(severityNumber)) record.severityNumber = severityNumber;
  const severityText = scopeText(read('severityText'));
  if (severityText !== undefined) record.severityText = severityText;
  const eventName = scopeText(read('eventName'));
  if (eventName !== undefined) record.eventName = eventName;
  const body = read('body');
  if (body !== undefined) record.body = toAttributeValue(body) ?? textOf(body);
  const attributes = read('attributes');
  const exception = read('exception');
  const own = attributes === undefined ? undefined : toAttributes(attributes, 'a log record');
  if (own !== undefined || exception !== undefined)
    record.attributes = { ...(exception !== undefined && exceptionAttributes(exception)), ...own };
  for (const key of ['timestamp', 'observedTimestamp'] as const) {
    const time = plainTimestamp(read(key));
    if (time !== undefined) record[key] = time;
  }
  const context = read('context');
  if (isContext(context)) record.context = context;
  return record;
}

function isSeverityNumber(value: unknown): value is SeverityNumber {
  return typeof value === 'number' && Object.hasOwn(SeverityNumber, value);
}

function plainTimestamp(time: unknown): TimeInput | undefined {
  const fits = readSafely(() => {
    if (typeof time === 'number') return isMilliseconds(time);
    if (time instanceof Date) return isMilliseconds(time.getTime());
    return (
      Array.isArray(time) &&
      time.length === 2 &&
      time.every((part) => typeof part === 'number' && part >= 0 && part < MAX_EPOCH_MS / 1_000)
    );
  });
  return fits === true ? (time as TimeInput) : undefined; // one of the three that were asked for
}
