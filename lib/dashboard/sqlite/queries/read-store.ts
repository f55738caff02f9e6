import { type StoreAnswer } from '../../reader/answers/store.interface.js';
import { type Database } from '../database/database.js';
import { BLOCK_MS, POINT_LEVEL, ROLLUP_SLOTS_MS } from '../encoding/buckets.js';

/** What the tables say; the store itself knows the rest of its health. */
type StoredCounts = Omit<StoreAnswer, 'file' | 'maxBytes' | 'queued'> & Record<'evicted' | 'dropped', number>;

interface CountersRow {
  readonly spans: number;
  readonly logs: number;
  readonly points: number;
  readonly evicted: number;
  readonly dropped: number;
  /** Microseconds. */
  readonly span: number | null;
  /** Milliseconds. */
  readonly log: number | null;
}

/** How full the store is, and what all processes together have evicted and dropped since its file was begun. */
export function readStore(database: Database): StoredCounts {
  const row = database.one<CountersRow>(
    `SELECT spans, logs, points, evicted, dropped, (SELECT min(start) FROM traces) AS span, (SELECT min(time) FROM logs) AS log
     FROM counters`,
  );
  const { span, log, ...counters } = row;
  const oldest = Math.min(span === null ? Infinity : span / 1_000, log ?? Infinity);
  return {
    ...counters,
    bytes: database.pragma('page_count') * database.pragma('page_size'),
    oldest: known(oldest),
    since: known(findBegin(database, oldest)),
  };
}

const known = (time: number): number | undefined => (Number.isFinite(time) ? time : undefined);

/**
 * Where the first of everything lies, sums and points included, which stay longer than spans. What is kept by the hour says the hour
 * only: it counts where what is kept by the second does not reach back to it.
 */
function findBegin(database: Database, oldest: number): number {
  const first = (sql: string, level: number): number =>
    database.one<{ first: number | null }>(sql, level).first ?? Infinity;
  const slots = ROLLUP_SLOTS_MS.map((length, level) => ({
    start: first('SELECT min(slot) AS first FROM rollups WHERE level = ?', level),
    length,
  }));
  const blocks = [
    { level: POINT_LEVEL.asCollected, length: 0 },
    { level: POINT_LEVEL.minute, length: BLOCK_MS },
  ].map(({ level, length }) => ({
    start: first('SELECT min(block) AS first FROM points WHERE level = ?', level),
    length,
  }));
  return [...slots, ...blocks]
    .sort((a, b) => a.length - b.length)
    .reduce((begin, { start, length }) => (start + length <= begin ? start : begin), oldest);
}
