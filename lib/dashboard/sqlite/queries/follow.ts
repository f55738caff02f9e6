import { type LogAnswer, type TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { type Database } from '../database/database.js';
import { LOG_COLUMNS, type LogRow, toLog } from './find-logs.js';
import { startSummaries, SUMMARY_COLUMNS, SUMMARY_TABLES, type SummaryRow } from './find-traces.js';

const LIMIT = 500;

/** Up to where a viewer has seen the rows of all processes. */
export interface Position {
  readonly span: number;
  readonly log: number;
}

/** What was written after a position, oldest first, and the position after it. */
export interface News {
  readonly traces: readonly TraceSummaryAnswer[];
  readonly logs: readonly LogAnswer[];
  readonly position: Position;
}

/** Where everything that is in the store now has been seen. */
export function readPosition(database: Database): Position {
  return database.one<Position>(
    'SELECT (SELECT ifnull(max(id), 0) FROM spans) AS span, (SELECT ifnull(max(id), 0) FROM logs) AS log',
  );
}

/**
 * Traces that got spans, and lines that were written, since `after`; at most 500 of each, of which the newest. Costs next to
 * nothing when there are none: ask once or twice a second. A trace comes again when more of its spans come.
 */
export function readNews(database: Database, after: Position): News {
  const position = readPosition(database);
  // A file that was replaced, or whose newest rows are gone, counts from the front again.
  const span = position.span < after.span ? 0 : after.span;
  const log = position.log < after.log ? 0 : after.log;
  const summarize = startSummaries(database);
  const traces = database.all<SummaryRow>(
    `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES}
     WHERE traces.id IN (SELECT trace FROM spans WHERE spans.id > ? ORDER BY spans.id DESC LIMIT 5000)
     ORDER BY traces.start DESC LIMIT ?`,
    span,
    LIMIT,
  );
  const logs = database.all<LogRow>(
    `SELECT ${LOG_COLUMNS} FROM logs JOIN services ON services.id = logs.service
     WHERE logs.id > ? ORDER BY logs.id DESC LIMIT ?`,
    log,
    LIMIT,
  );
  return { traces: traces.reverse().map(summarize), logs: logs.reverse().map(toLog), position };
}
