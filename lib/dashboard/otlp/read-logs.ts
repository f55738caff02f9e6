import { redaction } from '../../redaction/active-redaction.js';
import { type StoredLog, type StoredResource } from '../../store/rows.interface.js';
import { readResource } from './read-resource.js';
import { type ReadItems } from './read-spans.js';
import {
  attributesAt,
  idAt,
  listAt,
  microsecondsAt,
  numberAt,
  objectAt,
  readValue,
  textAt,
} from './read-values.js';

type Fields = Readonly<Record<string, unknown>>;

const MAX_MESSAGE = 32_768;
const INFO = 9;

/**
 * The rows of an `ExportLogsServiceRequest`.
 *
 * @throws DashboardError 400 when it is none
 */
export function readLogRows(request: Fields, now = Date.now()): ReadItems<StoredLog> {
  const rows: StoredLog[] = [];
  for (const ofResource of listAt(request, 'resourceLogs')) {
    const resource = readResource(objectAt(ofResource, 'resource'));
    for (const ofScope of listAt(ofResource, 'scopeLogs')) {
      const scope = textAt(objectAt(ofScope, 'scope'), 'name');
      for (const record of listAt(ofScope, 'logRecords')) rows.push(readRecord(record, resource, scope, now));
    }
  }
  return { rows, rejected: 0, reason: '' };
}

function readRecord(record: Fields, resource: StoredResource, scope: string, now: number): StoredLog {
  const body = redaction().nested(readValue(objectAt(record, 'body')));
  const message = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  const attributes = attributesAt(record);
  const time = instantAt(record, 'timeUnixNano') ?? instantAt(record, 'observedTimeUnixNano');
  return {
    resource,
    time: time ?? now,
    level: levelOf(numberAt(record, 'severityNumber')),
    context: scope === '' ? undefined : scope,
    traceId: idAt(record, 'traceId', 32),
    spanId: idAt(record, 'spanId', 16),
    message: message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`,
    attributes: Object.keys(attributes).length === 0 ? undefined : JSON.stringify(attributes),
  };
}

/** Milliseconds; 0 is how protobuf says that there is none. */
function instantAt(record: Fields, name: string): number | undefined {
  const time = microsecondsAt(record, name);
  return time === undefined || time === 0 ? undefined : time / 1_000;
}

/** pino's number of one of OpenTelemetry's, of which there are four for each. */
function levelOf(severity: number | undefined): number {
  const number = severity === undefined || severity < 1 ? INFO : Math.min(severity, 24);
  return Math.ceil(number / 4) * 10;
}
