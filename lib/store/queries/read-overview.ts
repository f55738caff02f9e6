import { type Database } from '../database/database.js';
import { hexOf } from '../encoding/ids.js';
import { quantilesOf } from '../encoding/value-buckets.js';
import { SPAN_STATUS } from '../rows.interface.js';
import { type ExemplarAnswer, type OverviewAnswer } from './answers.interface.js';
import { findServiceId } from './find-service.js';
import { chooseRollups, readRollups, type RollupRange, secondsOf, Total } from './rollup-range.js';
import { type TimeRange } from './time-range.interface.js';

export interface OverviewFilter extends TimeRange {
  /** Undefined: all services together. */
  readonly service?: string | undefined;
  /** About how many buckets; their length is made of whole slots of 10 seconds, a minute or ten minutes. */
  readonly buckets: number;
}

/** Rates, errors and quantiles of what entered, over time, with the slowest and the newest failed of each bucket as exemplars. */
export function readOverview(database: Database, filter: OverviewFilter): OverviewAnswer {
  const rollups = chooseRollups(filter);
  const id = filter.service === undefined ? undefined : findServiceId(database, filter.service);
  const isUnknown = filter.service !== undefined && id === undefined;
  const buckets = splitRange(rollups, filter.buckets);
  const totals = buckets.times.map(() => new Total());
  for (const row of isUnknown ? [] : readRollups(database, rollups, id))
    totals[Math.floor((row.slot - rollups.from) / buckets.width)]?.add(row);
  const quantiles = totals.map((total) =>
    quantilesOf(total.buckets, [0.5, 0.95, 0.99], total.longest).map((us) => us && us / 1_000),
  );
  const seconds = buckets.times.map((time) => secondsOf({ from: time, to: time + buckets.width }));
  const perSecond = (count: number, index: number) => count / (seconds[index] ?? 1);
  return {
    times: buckets.times,
    perSecond: totals.map(({ count }, index) => perSecond(count, index)),
    errorsPerSecond: totals.map(({ errors }, index) => perSecond(errors, index)),
    p50: quantiles.map(([p50]) => p50 ?? null),
    p95: quantiles.map(([, p95]) => p95 ?? null),
    p99: quantiles.map(([, , p99]) => p99 ?? null),
    exemplars: isUnknown ? [] : readExemplars(database, rollups, buckets.width, id),
  };
}

function splitRange({ from, to, slot }: RollupRange, count: number): { times: number[]; width: number } {
  const width = Math.max(1, Math.ceil((to - from) / slot / Math.max(1, count))) * slot;
  const times = Array.from({ length: Math.ceil((to - from) / width) }, (_, index) => from + index * width);
  return { times, width };
}

interface ExemplarRow {
  readonly time: number;
  readonly duration: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly status: number;
  readonly name: string;
}

/** One row per bucket: SQLite takes the other columns from the row that has the greatest. */
const exemplarsBy = (greatest: string, status: string, service: string): string => `
  SELECT best.start / 1000.0 AS time, best.duration, traces.trace_id AS traceId, best.span_id AS spanId, best.status, spans.name
  FROM (
    SELECT CAST((start - :from) / :width AS INTEGER) AS bucket, max(${greatest}), id, start, duration, status, trace, span_id
    FROM spans INDEXED BY spans_by_route
    WHERE route IN (SELECT id FROM routes WHERE is_entry = 1 ${service}) AND start >= :from AND start < :to AND status ${status}
    GROUP BY bucket
  ) AS best JOIN traces ON traces.id = best.trace JOIN spans ON spans.id = best.id`;

function readExemplars(
  database: Database,
  { from, to }: TimeRange,
  width: number,
  service: number | undefined,
): ExemplarAnswer[] {
  const ofService = service === undefined ? '' : 'AND service = :service';
  const values = {
    from: from * 1_000,
    to: to * 1_000,
    width: width * 1_000,
    ...(service !== undefined && { service }),
  };
  const read = (sql: string) => database.prepare(sql).all(values) as unknown as ExemplarRow[];
  return [
    ...read(exemplarsBy('start', `= ${SPAN_STATUS.error}`, ofService)),
    ...read(exemplarsBy('duration', `<> ${SPAN_STATUS.error}`, ofService)),
  ].map(({ time, duration, traceId, spanId, status, name }) => ({
    time,
    value: duration / 1_000,
    traceId: hexOf(traceId),
    spanId: hexOf(spanId),
    error: status === SPAN_STATUS.error,
    label: name,
  }));
}
