import { type Page } from '../../reader/answers/answer-parts.interface.js';
import { type LogAnswer } from '../../reader/answers/logs.interface.js';
import { LOG_LEVELS, type LogFilter, type LogLevelName } from '../../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { bytesOf, hexOf, traceKeyOf } from '../encoding/ids.js';
import { listBlocks, tableOf, type WordBlock } from '../full-text.js';
import { chooseProcesses, isOfProcesses } from './chosen-processes.js';
import {
  chooseService,
  Conditions,
  containing,
  countUpTo,
  type Cursor,
  hasField,
  hasOnly,
  readAttributes,
  readCursor,
  writeCursor,
} from './query-parts.js';

const LIMIT = 100;
const MAX_LIMIT = 10_000;
const LEVEL_NAMES = Object.keys(LOG_LEVELS) as LogLevelName[]; // its keys are these names

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

/** A line on the way: one that matches, or a milestone. */
interface PassedRow {
  readonly id: number;
  readonly time: number;
  readonly matches: number;
}

/**
 * Log lines, newest first; those found by words in the order in which they were written. Looking through many lines stops after
 * some 150 ms: such a page has fewer items than asked for, perhaps none, and still says where to go on.
 */
export function* findLogs(database: Database, filter: LogFilter = {}): Steps<Page<LogAnswer>> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  const service = chooseService(database, filter.service);
  if (service === undefined) return { items: [], next: undefined };
  const processes = chooseProcesses(database, filter, service.id);
  const items: LogAnswer[] = [];
  const turn = new TimeSlice();
  /** Looks until the turn is over, and says where that was; undefined at the end. */
  const look = (cursor: Cursor | undefined): Cursor | undefined => {
    for (const { sql, values, end } of sourcesOf(database, filter, service.id, processes, cursor)) {
      for (const row of database.iterate<PassedRow>(sql, ...values)) {
        if (row.matches === 1) items.push(toLog(database.one<LogRow>(LOG, row.id)));
        const isOver = row.matches === 1 ? turn.isOver() : turn.isOverNow();
        if (items.length >= limit || isOver) return { at: Math.floor(row.time), id: row.id };
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
  return {
    items,
    next: next && writeCursor(next),
    total: filter.before === undefined ? countLogs(database, filter) : undefined,
  };
}

/** How many lines match; undefined where more than the begin of their index would have to be read. */
function countLogs(database: Database, filter: LogFilter): number | undefined {
  if (!hasOnly(filter, ['from', 'to', 'limit'])) return undefined;
  const place = new Conditions();
  addPlace(place, filter, undefined);
  return countUpTo(database, 'logs', place);
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
export function levelName(level: number): LogLevelName {
  const names = LEVEL_NAMES.filter((name) => LOG_LEVELS[name] <= level);
  return names.at(-1) ?? 'trace';
}

/** Where lines are looked for: each row has its `id`, its `time` and whether it `matches`. */
interface LogSource {
  readonly sql: string;
  readonly values: Conditions['values'];
  /** Where to go on when it has no more rows; undefined for the last. */
  readonly end: Cursor | undefined;
}

/** SQLite passes over lines that do not match by itself; some it shows all the same, so that there is time to stop. */
const IS_MILESTONE = 'logs.id & 255 = 0';

/** All lines by time, those of a trace by time, or, block by block, those with words in the order in which they were written. */
function* sourcesOf(
  database: Database,
  filter: LogFilter,
  service: number | undefined,
  processes: string | undefined,
  cursor: Cursor | undefined,
): Generator<LogSource> {
  const match = matchOf(filter);
  if (processes !== undefined) match.add(isOfProcesses('resource'), processes);
  const words = wordsIn(filter.text);
  if (words.length === 0 || filter.traceId !== undefined || !database.hasFullText)
    yield byTime(filter, match, service, cursor, words);
  else
    for (const block of listBlocks(database, cursor && cursor.id - 1))
      yield byWords(filter, match, service, cursor, words, block);
}

function byTime(
  filter: LogFilter,
  match: Conditions,
  service: number | undefined,
  cursor: Cursor | undefined,
  words: readonly string[],
): LogSource {
  const { traceId } = filter;
  const place = new Conditions();
  if (traceId !== undefined)
    place.add('trace_key = ? AND trace_id = ?', traceKeyOf(traceId), bytesOf(traceId));
  addPlace(place, filter, service);
  if (cursor !== undefined) place.add('(time, id) < (?, ?)', cursor.at, cursor.id);
  for (const word of words.flatMap((each) => each.match(/[\p{L}\p{N}]+/gu) ?? []))
    match.add(
      `(message LIKE ? ESCAPE '\\' OR context LIKE ? ESCAPE '\\' OR attributes LIKE ? ESCAPE '\\')`,
      ...[1, 2, 3].map(() => containing(word)),
    );
  const index = traceId === undefined ? 'logs_by_time' : 'logs_by_trace';
  return {
    sql: `SELECT id, time, ifnull(${match.sql}, 0) AS matches FROM logs INDEXED BY ${index}
      WHERE ${place.sql} AND (${match.sql} OR ${IS_MILESTONE}) ORDER BY time DESC, id DESC`,
    values: [...match.values, ...place.values, ...match.values],
    end: undefined,
  };
}

function byWords(
  filter: LogFilter,
  { sql, values }: Conditions,
  service: number | undefined,
  cursor: Cursor | undefined,
  words: readonly string[],
  block: WordBlock,
): LogSource {
  const table = tableOf(block);
  const place = new Conditions();
  place.add(`${table} MATCH ?`, patternOf(words));
  place.add(
    `${table}.rowid BETWEEN ? AND ?`,
    block.first,
    Math.min(block.last, (cursor?.id ?? Infinity) - 1),
  );
  const match = new Conditions();
  match.add(sql, ...values);
  addPlace(match, filter, service);
  return {
    sql: `SELECT id, time, ifnull(${match.sql}, 0) AS matches FROM ${table} CROSS JOIN logs ON id = ${table}.rowid
      WHERE ${place.sql} AND (${match.sql} OR ${IS_MILESTONE}) ORDER BY ${table}.rowid DESC`,
    values: [...match.values, ...place.values, ...match.values],
    end: { at: 0, id: block.first },
  };
}

/** What the index by time has of a line: SQLite passes over the others by itself. */
function addPlace(place: Conditions, { from, to, level }: LogFilter, service: number | undefined): void {
  if (from !== undefined) place.add('time >= ?', from);
  if (to !== undefined) place.add('time < ?', to);
  if (level !== undefined) place.add('level >= ?', LOG_LEVELS[level]);
  if (service !== undefined) place.add('service = ?', service);
}

function matchOf({ spanId, context, fields = [] }: LogFilter): Conditions {
  const match = new Conditions();
  if (spanId !== undefined) match.add('span_id = ?', bytesOf(spanId));
  if (context !== undefined) match.add('context = ?', context);
  for (const field of fields) match.add(...hasField('attributes', field));
  return match;
}

/** What of a text is a word, or has one in it. */
function wordsIn(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** A search for all of these words, each as the beginning of one. Quotes keep everything else in it from being syntax. */
function patternOf(words: readonly string[]): string {
  return words.map((word) => `"${word.replaceAll('"', '""')}"*`).join(' ');
}
