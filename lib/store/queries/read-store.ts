import { type Database } from '../database/database.js';
import { type StoreAnswer } from './answers.interface.js';

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
export function readStore(database: Database): StoreAnswer {
  const row = database.one<CountersRow>(
    `SELECT spans, logs, points, evicted, dropped, (SELECT min(start) FROM traces) AS span, (SELECT min(time) FROM logs) AS log
     FROM counters`,
  );
  const { span, log, ...counters } = row;
  const oldest = Math.min(span === null ? Infinity : span / 1_000, log ?? Infinity);
  return {
    ...counters,
    bytes: database.pragma('page_count') * database.pragma('page_size'),
    oldest: Number.isFinite(oldest) ? oldest : undefined,
  };
}
