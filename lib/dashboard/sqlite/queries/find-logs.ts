import { LOG_LEVELS, type LogFilter } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { hexOf } from '../encoding/ids.js';
import { type LogAnswer, type Page } from '../../reader/answers.interface.js';
import { type Cursor, readCursor, writeCursor } from './cursor.js';
import { chooseService } from './find-service.js';
import { sourcesOf } from './log-sources.js';
import { readAttributes } from './read-json.js';
import { type Steps, Turn } from '../../steps.js';

const LIMIT = 100;
const MAX_LIMIT = 10_000;

/** A line as it stands in its table. */
export interface LogRow {
  readonly id: number;
  readonly time: number;
  readonly level: number;
  readonly service: string;
  readonly context: string | null;
  readonly message: string;
  readonly traceId: Uint8Array | null;
  readonly spanId: Uint8Array | null;
  readonly attributes: string | null;
}

export const LOG_COLUMNS = `logs.id, time, level, services.name AS service, context, message, trace_id AS traceId,
  span_id AS spanId, attributes`;

const LOG = `SELECT ${LOG_COLUMNS} FROM logs JOIN services ON services.id = logs.service WHERE logs.id = ?`;

/** A line on the way: only those that match are looked at any closer. */
interface PassedRow {
  readonly id: number;
  readonly time: number;
  readonly matches: number;
}

/**
 * Log lines, newest first; those found by words in the order in which they were written. Looking through many lines stops after
 * some 200 ms: such a page has fewer items than asked for, perhaps none, and still says where to go on.
 */
export function* findLogs(database: Database, filter: LogFilter = {}): Steps<Page<LogAnswer>> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  const service = chooseService(database, filter.service);
  if (service === undefined) return { items: [], next: undefined };
  const items: LogAnswer[] = [];
  const turn = new Turn();
  /** Looks until the turn is over, and says where that was; undefined at the end. */
  const look = (cursor: Cursor | undefined): Cursor | undefined => {
    for (const { sql, values, end } of sourcesOf(database, filter, service.id, cursor)) {
      for (const row of database.iterate<PassedRow>(sql, ...values)) {
        if (row.matches === 1) items.push(toLog(database.one<LogRow>(LOG, row.id)));
        if (items.length >= limit || turn.isOver()) return { at: Math.floor(row.time), id: row.id };
      }
      if (end !== undefined && turn.isOverNow()) return end;
    }
    return undefined;
  };
  let next = database.snapshot(() => look(readCursor(filter.before)));
  // The lines of one trace are few enough.
  while (next !== undefined && items.length < limit && (!turn.isLong || filter.traceId !== undefined)) {
    const from = next;
    yield* turn.pass();
    next = database.snapshot(() => look(from));
  }
  return { items, next: next && writeCursor(next) };
}

export function toLog(row: LogRow): LogAnswer {
  return {
    id: row.id,
    time: row.time,
    level: levelName(row.level),
    service: row.service,
    context: row.context ?? undefined,
    message: row.message,
    traceId: row.traceId === null ? undefined : hexOf(row.traceId),
    spanId: row.spanId === null ? undefined : hexOf(row.spanId),
    attributes: readAttributes(row.attributes),
  };
}

/** The word for a level; one of the application's own counts as the next lower one. */
function levelName(level: number): string {
  const names = Object.entries(LOG_LEVELS).filter(([, number]) => number <= level);
  return names.at(-1)?.[0] ?? 'trace';
}
