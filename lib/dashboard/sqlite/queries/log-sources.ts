import { LOG_LEVELS, type LogFilter } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { listBlocks, type WordBlock, wordsOf } from '../words/word-blocks.js';
import { Conditions, containing, hasField } from './conditions.js';
import { type Cursor } from './cursor.js';

/** Where lines are looked for: each row has its `id`, its `time` and whether it `matches`. */
export interface LogSource {
  readonly sql: string;
  readonly values: Conditions['values'];
  /** Where to go on when it has no more rows; undefined for the last. */
  readonly end: Cursor | undefined;
}

/** All lines by time, those of a trace by time, or, block by block, those with words in the order in which they were written. */
export function* sourcesOf(
  database: Database,
  filter: LogFilter,
  service: number | undefined,
  cursor: Cursor | undefined,
): Generator<LogSource> {
  const words = wordsIn(filter.text);
  if (words.length === 0 || filter.traceId !== undefined || !database.hasWords)
    yield byTime(filter, service, cursor, words);
  else
    for (const block of listBlocks(database, cursor && cursor.id - 1))
      yield byWords(filter, service, cursor, words, block);
}

function byTime(
  filter: LogFilter,
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
  const match = matchOf(filter);
  for (const word of words.flatMap((each) => each.match(/[\p{L}\p{N}]+/gu) ?? []))
    match.add(
      `(message LIKE ? ESCAPE '\\' OR context LIKE ? ESCAPE '\\' OR attributes LIKE ? ESCAPE '\\')`,
      ...[1, 2, 3].map(() => containing(word)),
    );
  const index = traceId === undefined ? 'logs_by_time' : 'logs_by_trace';
  return {
    sql: `SELECT id, time, ifnull(${match.sql}, 0) AS matches FROM logs INDEXED BY ${index}
      WHERE ${place.sql} ORDER BY time DESC, id DESC`,
    values: [...match.values, ...place.values],
    end: undefined,
  };
}

function byWords(
  filter: LogFilter,
  service: number | undefined,
  cursor: Cursor | undefined,
  words: readonly string[],
  block: WordBlock,
): LogSource {
  const table = wordsOf(block);
  const place = new Conditions();
  place.add(`${table} MATCH ?`, patternOf(words));
  place.add(
    `${table}.rowid BETWEEN ? AND ?`,
    block.first,
    Math.min(block.last, (cursor?.id ?? Infinity) - 1),
  );
  const match = matchOf(filter);
  addPlace(match, filter, service);
  return {
    sql: `SELECT id, time, ifnull(${match.sql}, 0) AS matches FROM ${table} CROSS JOIN logs ON id = ${table}.rowid
      WHERE ${place.sql} ORDER BY ${table}.rowid DESC`,
    values: [...match.values, ...place.values],
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
