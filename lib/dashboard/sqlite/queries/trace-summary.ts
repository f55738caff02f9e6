import { type Database } from '../database/database.js';
import { hexOf } from '../encoding/ids.js';
import { type TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { readServiceNames } from './find-service.js';

/** Columns of `traces`, and of `routes` where the trace has one. */
export const SUMMARY_COLUMNS = `traces.id, traces.trace_id AS traceId, traces.start, traces.duration, traces.name,
  traces.service, traces.outcome, traces.span_count AS spanCount, traces.error_count AS errorCount, traces.services, traces.pinned,
  routes.method, routes.route, routes.is_entry AS isEntry`;
export const SUMMARY_TABLES = 'traces LEFT JOIN routes ON routes.id = traces.route';

export interface SummaryRow {
  readonly id: number;
  readonly traceId: Uint8Array;
  readonly start: number;
  readonly duration: number;
  readonly name: string;
  readonly service: number;
  readonly outcome: string | null;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly services: string;
  readonly pinned: number;
  readonly method: string | null;
  readonly route: string | null;
  readonly isEntry: number | null;
}

/** Gives a function that makes answers of rows. */
export function startSummaries(database: Database): (row: SummaryRow) => TraceSummaryAnswer {
  const names = readServiceNames(database);
  const nameOf = (id: number): string => names.get(id) ?? '';
  return (row) => ({
    traceId: hexOf(row.traceId),
    name: row.name,
    service: nameOf(row.service),
    route: row.isEntry === 1 ? (row.route ?? undefined) : undefined,
    status: row.outcome ?? undefined,
    start: row.start / 1_000,
    durationMs: row.duration / 1_000,
    spanCount: row.spanCount,
    errorCount: row.errorCount,
    services: row.services.split(',').filter(Boolean).map(Number).map(nameOf),
    pinned: row.pinned === 1,
  });
}
