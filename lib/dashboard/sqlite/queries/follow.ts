import { type News } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { LOG_COLUMNS, type LogRow, toLog } from './find-logs.js';
import { startSummaries, SUMMARY_COLUMNS, SUMMARY_TABLES, type SummaryRow } from './find-traces.js';

const LIMIT = 500;

const NEWEST =
  'SELECT (SELECT ifnull(max(id), 0) FROM spans) AS span, (SELECT ifnull(max(id), 0) FROM logs) AS log';
const TRACES = `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES}
  WHERE traces.id IN (SELECT trace FROM spans WHERE spans.id > ? ORDER BY spans.id DESC LIMIT 5000)
  ORDER BY traces.start DESC LIMIT ?`;
const LOGS = `SELECT ${LOG_COLUMNS} FROM logs JOIN services ON services.id = logs.service
  WHERE logs.id > ? ORDER BY logs.id DESC LIMIT ?`;

/**
 * Traces that got spans, and lines that were written, since the position `after`; at most 500 of each, the newest. Costs next to
 * nothing when there are none: ask once or twice a second. A trace comes again when more of its spans come.
 */
export function readNews(database: Database, after: string | undefined): News {
  const newest = database.one<{ span: number; log: number }>(NEWEST);
  const position = `${newest.span}.${newest.log}`;
  const [, span, log] = /^(\d{1,16})\.(\d{1,16})$/.exec(after ?? '') ?? [];
  if (span === undefined || log === undefined) return { traces: [], logs: [], position };
  // A file that was replaced, or whose newest rows are gone, counts from the front again.
  const since = (given: string, last: number): number => (last < Number(given) ? 0 : Number(given));
  const traces = database.all<SummaryRow>(TRACES, since(span, newest.span), LIMIT);
  const logs = database.all<LogRow>(LOGS, since(log, newest.log), LIMIT);
  return {
    traces: traces.reverse().map(startSummaries(database)),
    logs: logs.reverse().map(toLog),
    position,
  };
}
