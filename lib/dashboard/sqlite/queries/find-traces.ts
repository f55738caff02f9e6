import { type TraceFilter } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { type Page, type TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { writeCursor } from './cursor.js';
import { type Steps, Turn } from '../../steps.js';
import { chooseTraceSource, type PassedTrace } from './trace-sources.js';
import { startSummaries, SUMMARY_COLUMNS, SUMMARY_TABLES, type SummaryRow } from './trace-summary.js';

const LIMIT = 50;
const MAX_LIMIT = 1_000;

const SUMMARY = `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES} WHERE traces.id = ?`;

/**
 * Traces, newest first. Looking at many traces stops after some 200 ms: such a page has fewer items than asked for, perhaps none,
 * and still says where to go on.
 */
export function* findTraces(database: Database, filter: TraceFilter = {}): Steps<Page<TraceSummaryAnswer>> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  const items: TraceSummaryAnswer[] = [];
  const seen = new Set<number>();
  const turn = new Turn();
  const summarize = startSummaries(database);
  /** Looks until the turn is over, and says where that was; undefined at the end. */
  const look = (before: string | undefined): string | undefined => {
    const source = chooseTraceSource(database, { ...filter, before });
    if (source === undefined) return undefined;
    for (const row of database.iterate<PassedTrace>(source.sql, ...source.values)) {
      if (row.matches === 1 && !seen.has(row.id)) {
        seen.add(row.id);
        const found = database.get<SummaryRow>(SUMMARY, row.id);
        if (found !== undefined) items.push(summarize(found));
      }
      if (items.length >= limit || turn.isOver()) return writeCursor({ at: row.at, id: row.row });
    }
    return undefined;
  };
  let next = look(filter.before);
  while (next !== undefined && items.length < limit && !turn.isLong) {
    yield* turn.pass();
    next = look(next);
  }
  return { items, next };
}
