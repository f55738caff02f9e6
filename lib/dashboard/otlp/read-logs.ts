import { redaction } from '../../redaction/active-redaction.js';
import { levelOfSeverity } from '../sqlite/describe-rows.js';
import { type StoredLog } from '../sqlite/rows.interface.js';
import { type Steps } from '../steps.js';
import { type ReadItems, readRows, type Sender } from './read-items.js';
import {
  attributesAt,
  finiteAt,
  idAt,
  ItemRoom,
  microsecondsAt,
  objectAt,
  readValue,
} from './read-values.js';
import { RequestBudget } from './request-limits.js';

type Fields = Readonly<Record<string, unknown>>;

const MAX_MESSAGE = 32_768;

/**
 * The rows of an `ExportLogsServiceRequest`, in steps.
 *
 * @throws DashboardError 400 when it is none, 413 beyond the budget
 */
export function readLogRows(
  request: Fields,
  budget = new RequestBudget(),
  now = Date.now(),
): Steps<ReadItems<StoredLog>> {
  return readRows('logs', request, budget, (record, sender, collector) => {
    const room = new ItemRoom(MAX_MESSAGE);
    collector.add(readRecord(record, sender, room, now), room.isCut);
    return undefined;
  });
}

function readRecord(record: Fields, { resource, scope }: Sender, room: ItemRoom, now: number): StoredLog {
  // Cut before: the policy looks at each character.
  const body = redaction().nested(readValue(objectAt(record, 'body'), room));
  const message = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  const attributes = attributesAt(record, room);
  const time = instantAt(record, 'timeUnixNano', now) ?? instantAt(record, 'observedTimeUnixNano', now);
  return {
    resource,
    time: time ?? now,
    level: levelOfSeverity(finiteAt(record, 'severityNumber')),
    context: scope === '' ? undefined : scope,
    traceId: idAt(record, 'traceId', 32),
    spanId: idAt(record, 'spanId', 16),
    message: message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`,
    attributes: Object.keys(attributes).length === 0 ? undefined : JSON.stringify(attributes),
  };
}

/** Milliseconds; 0 is how protobuf says that there is none. */
function instantAt(record: Fields, name: string, now: number): number | undefined {
  const time = microsecondsAt(record, name, now);
  return time === undefined || time === 0 ? undefined : time / 1_000;
}
