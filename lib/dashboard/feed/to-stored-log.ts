import { type LogRecord, type Span, trace } from '@opentelemetry/api';

import { localIdsOf } from '../../engine/span-view.js';
import { timeInputToHrTime } from '../../engine/time-input.js';
import { type EmittedRecord } from '../../runtime/telemetry-plugin.js';
import { levelOfSeverity } from '../sqlite/describe-rows.js';
import { type StoredLog, type StoredResource } from '../sqlite/rows.interface.js';
import { recordAsJson } from './attribute-json.js';

/** Lines without a class carry the name of this library as their scope. */
const LIBRARY_NAME = 'nestjs-telemetry';
const MAX_MESSAGE = 32_768;

/** Returns the row of a log record. */
export function toStoredLog(
  { record, scope, span, emittedAt }: EmittedRecord,
  resource: StoredResource,
): StoredLog {
  const { body, attributes, severityNumber } = record;
  const message = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  // The class is said by the column, and need not be said again.
  const fields = attributes === undefined ? '{}' : recordAsJson(attributes, 'context');
  return {
    resource,
    time: timeOf(record.timestamp, emittedAt),
    level: levelOfSeverity(severityNumber),
    context: scope === LIBRARY_NAME || scope === '' ? undefined : scope,
    ...idsOf(span),
    message: message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`,
    attributes: fields === '{}' ? undefined : fields,
  };
}

function timeOf(timestamp: LogRecord['timestamp'], emittedAt: number): number {
  if (timestamp === undefined) return emittedAt;
  // A smaller number counts from the start of the process, as elsewhere in the API.
  if (typeof timestamp === 'number' && timestamp > 1_000_000_000_000) return timestamp;
  const [seconds, nanos] = timeInputToHrTime(timestamp);
  return seconds * 1_000 + nanos / 1_000_000;
}

const NO_IDS = { traceId: undefined, spanId: undefined };

function idsOf(span: Span | undefined): Pick<StoredLog, 'traceId' | 'spanId'> {
  if (span === undefined) return NO_IDS;
  const context = span.spanContext();
  const isValid = localIdsOf(span) !== undefined || trace.isSpanContextValid(context);
  return isValid ? { traceId: context.traceId, spanId: context.spanId } : NO_IDS;
}
