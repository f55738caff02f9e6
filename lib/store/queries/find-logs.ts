import { type Database } from '../database/database.js';
import { bytesOf, hexOf, traceKeyOf } from '../encoding/ids.js';
import { type LogAnswer } from './answers.interface.js';
import { startBudget } from './budget.js';
import { Conditions, containing, type FieldFilter, hasField } from './conditions.js';
import { readCursor, writeCursor } from './cursor.js';
import { findServiceId } from './find-service.js';
import { readAttributes } from './read-json.js';
import { type Page, type TimeRange } from './time-range.interface.js';

const LIMIT = 100;
const MAX_LIMIT = 10_000;
/** Clocks of processes differ, and what a request leaves running goes on writing lines. */
const BEFORE_TRACE_MS = 2_000;
const AFTER_TRACE_MS = 15_000;

/** pino's words and numbers. */
export const LOG_LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;
export type LogLevelName = keyof typeof LOG_LEVELS;

/** Which lines are asked for; what is undefined is no condition. */
export interface LogFilter extends Partial<TimeRange> {
  readonly service?: string | undefined;
  /** That level and above. */
  readonly level?: LogLevelName | undefined;
  /** Words that are all in the message, the class or the fields; each may be the beginning of one. */
  readonly text?: string | undefined;
  readonly fields?: readonly FieldFilter[] | undefined;
  readonly context?: string | undefined;
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  /** `next` of the page before. */
  readonly before?: string | undefined;
  /** Default 100, at most 10,000. */
  readonly limit?: number | undefined;
}

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
 * some 30 ms: such a page has fewer items than asked for, perhaps none, and still says where to go on.
 */
export function findLogs(database: Database, filter: LogFilter = {}): Page<LogAnswer> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  const service = filter.service === undefined ? undefined : findServiceId(database, filter.service);
  if (filter.service !== undefined && service === undefined) return { items: [], next: undefined };
  const { sql, values } = sourceOf(withinTrace(database, filter), service, database.hasWords);
  const isTimeUp = startBudget();
  const items: LogAnswer[] = [];
  for (const row of database.iterate<PassedRow>(sql, ...values)) {
    if (row.matches === 1) items.push(toLog(database.one<LogRow>(LOG, row.id)));
    if (items.length >= limit || (filter.traceId === undefined && isTimeUp()))
      return { items, next: writeCursor({ at: Math.floor(row.time), id: row.id }) };
  }
  return { items, next: undefined };
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

function sourceOf(
  filter: LogFilter,
  service: number | undefined,
  hasWords: boolean,
): { sql: string; values: Conditions['values'] } {
  const words = wordsOf(filter.text);
  const pattern = hasWords ? matchOf(words) : undefined;
  const place = new Conditions();
  const match = new Conditions();
  const cursor = readCursor(filter.before);
  if (pattern !== undefined) place.add('logs_text MATCH ?', pattern);
  if (filter.traceId !== undefined)
    place.add('trace_key = ? AND trace_id = ?', traceKeyOf(filter.traceId), bytesOf(filter.traceId));
  if (filter.from !== undefined) place.add('time >= ?', filter.from);
  if (filter.to !== undefined) place.add('time < ?', filter.to);
  if (cursor !== undefined) {
    if (pattern === undefined) place.add('(time, logs.id) < (?, ?)', cursor.at, cursor.id);
    else place.add('logs_text.rowid < ?', cursor.id);
  }
  // The index has what is asked of most lines, so that those that do not match need not be looked at.
  if (filter.level !== undefined) place.add('level >= ?', LOG_LEVELS[filter.level]);
  if (service !== undefined) place.add('logs.service = ?', service);
  if (filter.spanId !== undefined) match.add('span_id = ?', bytesOf(filter.spanId));
  if (filter.context !== undefined) match.add('context = ?', filter.context);
  for (const field of filter.fields ?? []) match.add(...hasField('attributes', field));
  if (pattern === undefined)
    for (const word of words.flatMap((each) => each.match(/[\p{L}\p{N}]+/gu) ?? []))
      match.add(
        `(message LIKE ? ESCAPE '\\' OR context LIKE ? ESCAPE '\\' OR attributes LIKE ? ESCAPE '\\')`,
        ...[1, 2, 3].map(() => containing(word)),
      );
  const tables = pattern === undefined ? 'logs' : 'logs_text CROSS JOIN logs ON logs.id = logs_text.rowid';
  const order = pattern === undefined ? 'time DESC, logs.id DESC' : 'logs_text.rowid DESC';
  return {
    sql: `SELECT logs.id, time, ifnull(${match.sql}, 0) AS matches FROM ${tables}
      WHERE ${place.sql} ORDER BY ${order}`,
    values: [...match.values, ...place.values],
  };
}

/** There is no index by trace, so that its lines are looked for around its time. */
function withinTrace(database: Database, filter: LogFilter): LogFilter {
  if (filter.traceId === undefined) return filter;
  const trace = database.get<{ start: number; finish: number }>(
    'SELECT start, finish FROM traces WHERE key = ? AND trace_id = ?',
    traceKeyOf(filter.traceId),
    bytesOf(filter.traceId),
  );
  if (trace === undefined) return filter;
  return {
    ...filter,
    from: Math.max(filter.from ?? 0, trace.start / 1_000 - BEFORE_TRACE_MS),
    to: Math.min(filter.to ?? Infinity, trace.finish / 1_000 + AFTER_TRACE_MS),
  };
}

/** What of a text is a word, or has one in it. */
function wordsOf(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** A search for all of these words, each as the beginning of one. Quotes keep everything else in it from being syntax. */
function matchOf(words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : words.map((word) => `"${word.replaceAll('"', '""')}"*`).join(' ');
}
