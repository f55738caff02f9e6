import { createHash } from 'node:crypto';

import { type Page } from '../reader/answers/answer-parts.interface.js';
import { type LogAnswer, type LogVolumeAnswer } from '../reader/answers/logs.interface.js';
import {
  LOG_LEVELS,
  type LogFilter,
  type LogLevelName,
  type LogVolumeFilter,
  type QueryOptions,
} from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';
import {
  fieldCondition,
  known,
  LEVEL,
  processConditions,
  readAttributes,
  type TextAttributes,
} from './columns.js';
import { allOf, type Bindings } from './query.js';
import { linesByBucket } from './rollups/read-volume.js';
import { splitIntoSlots } from './rollups/slots.js';
import { readExtent, TimeWindows } from './time-windows.js';
import { type Buckets } from './timeline.js';

const LIMIT = 100;
const MAX_LIMIT = 10_000;
const MAX_QUERIES = 12;
const MINUTE_MS = 60_000;

interface LogRow {
  /** Nanoseconds, as text: JavaScript has no whole numbers that large. */
  readonly time: string;
  readonly level: number;
  readonly service: string;
  readonly context: string;
  readonly message: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: TextAttributes;
}

const COLUMNS = `toString(toUnixTimestamp64Nano(Timestamp)) AS time, ${LEVEL} AS level, ServiceName AS service, ScopeName AS context, Body AS message,
  TraceId AS traceId, SpanId AS spanId, LogAttributes AS attributes`;

/** Where a page ends: lines have no number, so the cursor counts those of its time that came before. */
interface Cursor {
  /** Nanoseconds. */
  readonly time: bigint;
  readonly seen: number;
}

/** Log lines, newest first, in windows of time that grow as long as few are found. */
export async function findLogs(
  clickHouse: ClickHouse,
  filter: LogFilter,
  options: QueryOptions = {},
): Promise<Page<LogAnswer>> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  let cursor = readCursor(filter.before);
  /** Where the last item is. */
  let last = cursor;
  const before = cursor === undefined ? undefined : Number(cursor.time / 1_000n);
  const windows = new TimeWindows(await readExtent(clickHouse, 'logs', filter, options), before);
  const items: LogAnswer[] = [];
  for (let queries = 0; queries < MAX_QUERIES && !windows.isOver; queries += 1) {
    // The index by trace makes one query of all times cheap.
    const { from, to } = filter.traceId === undefined ? windows.current : windows.all;
    const { seen = 0 } = cursor ?? {};
    const asked = limit - items.length + seen + 1;
    const rows = await clickHouse.rows<LogRow>((bind) => {
      const conditions = [
        `Timestamp >= ${bind.instant(from / 1_000)} AND Timestamp < ${bind.instant(to / 1_000)}`,
        ...conditionsOf(bind, filter),
      ];
      if (cursor !== undefined)
        conditions.push(`Timestamp <= fromUnixTimestamp64Nano(${bind.large(cursor.time)})`);
      return `SELECT ${COLUMNS} FROM ${clickHouse.tables.logs} WHERE ${allOf(conditions)}
        ORDER BY Timestamp DESC LIMIT ${bind.integer(asked)} WITH TIES`;
    }, options);
    for (const { id, row } of numberRows(rows).slice(seen)) {
      const time = BigInt(row.time);
      if (items.length === limit) return { items, next: last && writeCursor(last) };
      items.push(toLog(id, row));
      last = { time, seen: last?.time === time ? last.seen + 1 : 1 };
    }
    cursor = last;
    if (filter.traceId !== undefined) return { items, next: undefined };
    if (rows.length < asked) {
      windows.goBack();
      cursor = undefined;
    }
  }
  if (windows.isOver) return { items, next: undefined };
  const end = { time: BigInt(windows.current.to) * 1_000n - 1n, seen: 0 };
  return { items, next: writeCursor(cursor ?? end) };
}

/** Gives rows ids of what they say; those of one time come in the order of the ids, so that pages agree on it. */
function numberRows(rows: readonly LogRow[]): { readonly id: number; readonly row: LogRow }[] {
  const taken = new Set<number>();
  const numbered = rows.map((row) => {
    let id = idOf(row);
    while (taken.has(id)) id += 1;
    taken.add(id);
    return { id, row };
  });
  return numbered.sort((a, b) =>
    a.row.time === b.row.time ? b.id - a.id : a.row.time < b.row.time ? 1 : -1,
  );
}

/** 48 bits. */
function idOf({ time, service, spanId, message, attributes }: LogRow): number {
  const text = JSON.stringify([time, service, spanId, message, attributes]);
  return createHash('sha1').update(text).digest().readUIntBE(0, 6);
}

function toLog(id: number, row: LogRow): LogAnswer {
  return {
    id,
    time: Number(BigInt(row.time) / 1_000n) / 1_000,
    level: levelName(row.level),
    service: row.service,
    context: known(row.context),
    message: row.message,
    traceId: known(row.traceId),
    spanId: known(row.spanId),
    attributes: readAttributes(row.attributes),
  };
}

function levelName(level: number): LogLevelName {
  const names = Object.keys(LOG_LEVELS) as LogLevelName[]; // the keys are the names
  return names.findLast((name) => LOG_LEVELS[name] <= level) ?? 'trace';
}

function conditionsOf(bind: Bindings, filter: LogFilter): string[] {
  const { service, level, text, fields = [], context, traceId, spanId } = filter;
  const conditions = [...processConditions(bind, filter)];
  if (service !== undefined) conditions.push(`ServiceName = ${bind.text(service)}`);
  if (level !== undefined) conditions.push(`${LEVEL} >= ${LOG_LEVELS[level]}`);
  if (context !== undefined) conditions.push(`ScopeName = ${bind.text(context)}`);
  if (traceId !== undefined) conditions.push(`TraceId = ${bind.text(traceId)} AND TraceId != ''`);
  if (spanId !== undefined) conditions.push(`SpanId = ${bind.text(spanId)} AND SpanId != ''`);
  for (const field of fields) conditions.push(fieldCondition(bind, 'LogAttributes', field));
  for (const word of text?.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
    conditions.push(hasWord(bind, word, traceId === undefined));
  return conditions;
}

/** @param begins whether a word must begin with it; else it may be any part of one */
function hasWord(bind: Bindings, word: string, begins: boolean): string {
  // Letters and digits only: nothing in a word is syntax of a regular expression.
  const pattern = bind.text(begins ? `(?:^|[^\\pL\\pN])${word}` : word);
  const texts = "concat(Body, '\\n', ScopeName, '\\n', toJSONString(LogAttributes))";
  return `match(lowerUTF8(${texts}), ${pattern})`;
}

function writeCursor({ time, seen }: Cursor): string {
  return `${time}.${seen}`;
}

/** Undefined for a text that is none. */
function readCursor(text: string | undefined): Cursor | undefined {
  const [, time, seen] = /^(\d{1,19})\.(\d{1,6})$/.exec(text ?? '') ?? [];
  return time === undefined ? undefined : { time: BigInt(time), seen: Number(seen) };
}

/** The buckets of a range. They keep their place while the range moves with the clock. */
function splitBars({ from, to, buckets }: LogVolumeFilter): Buckets {
  const width = Math.max(1, Math.ceil((to - from) / buckets));
  const first = Math.floor(from / width) * width;
  const times = Array.from({ length: Math.ceil((to - first) / width) }, (_, index) => first + index * width);
  return { from: first, to, times, width };
}

/** How many lines of each level there are over time. */
export async function countLogVolume(
  clickHouse: ClickHouse,
  filter: LogVolumeFilter,
  options: QueryOptions = {},
): Promise<LogVolumeAnswer> {
  const slots = splitIntoSlots(filter, filter.buckets);
  // Sums of minutes cannot fill finer bars, and the lines of a short range are read in no time.
  const isFine = (filter.to - filter.from) / filter.buckets < MINUTE_MS;
  const rollups = isFine ? undefined : await clickHouse.rollups.ofAllProcesses(slots.from, filter, options);
  const { from, width, times } = rollups === undefined ? splitBars(filter) : slots;
  const rows = await clickHouse.rows<{ bucket: number; level: number; lines: number }>((bind) => {
    if (rollups !== undefined) return linesByBucket(bind, rollups, slots, filter);
    const { service, level, version, environment, process } = filter;
    const conditions = [
      `Timestamp >= ${bind.instant(filter.from)} AND Timestamp < ${bind.instant(filter.to)}`,
      ...conditionsOf(bind, { service, level, version, environment, process }),
    ];
    return `SELECT intDiv(toUnixTimestamp64Milli(Timestamp) - ${bind.integer(from)}, ${bind.integer(width)}) AS bucket, ${LEVEL} AS level,
        count() AS lines
      FROM ${clickHouse.tables.logs} WHERE ${allOf(conditions)} GROUP BY bucket, level`;
  }, options);
  const counts = new Map<LogLevelName, number[]>();
  for (const row of rows) {
    const name = levelName(row.level);
    const ofLevel = counts.get(name) ?? times.map(() => 0);
    ofLevel[row.bucket] = (ofLevel[row.bucket] ?? 0) + row.lines;
    counts.set(name, ofLevel);
  }
  return { times, counts: Object.fromEntries(counts) };
}
