import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../rows.interface.js';

/** What is known of a trace without looking at its spans. Times and durations are microseconds. */
export interface TraceRow {
  start: number;
  finish: number;
  /** Of the span that stands for the trace: 2 it has no parent, 1 it enters a service, 0 any, -1 there is none yet. */
  rootRank: number;
  rootStart: number;
  duration: number;
  name: string;
  service: number;
  route: number;
  outcome: string | null;
  spanCount: number;
  errorCount: number;
  /** Numbers of services between commas: `,1,3,`. */
  services: string;
  pinned: number;
}

/** A trace that has no spans yet; until its root comes it belongs to the group `route`. */
export function beginTrace(service: number, route: number): TraceRow {
  return {
    start: Infinity,
    finish: 0,
    rootRank: -1,
    rootStart: 0,
    duration: 0,
    name: '',
    service,
    route,
    outcome: null,
    spanCount: 0,
    errorCount: 0,
    services: ',',
    pinned: 0,
  };
}

/** Adds a span to the summary of its trace. Spans come in any order, and from several processes. */
export function foldSpan(row: TraceRow, span: StoredSpan, service: number, route: number | undefined): void {
  const finish = span.start + span.duration;
  if (span.start < row.start) row.start = span.start;
  if (finish > row.finish) row.finish = finish;
  row.spanCount += 1;
  if (span.status === SPAN_STATUS.error) {
    row.errorCount += 1;
    row.pinned = 1;
  }
  if (!row.services.includes(`,${service},`)) row.services += `${service},`;
  const rank = rankOf(span);
  if (rank > row.rootRank || (rank === row.rootRank && span.start < row.rootStart)) {
    row.rootRank = rank;
    row.rootStart = span.start;
    row.name = span.name;
    row.service = service;
    row.outcome = span.outcome ?? null;
    row.duration = span.duration;
    if (route !== undefined) row.route = route;
  }
  // Without a root the trace takes as long as what is known of it.
  if (row.rootRank === 0) row.duration = row.finish - row.start;
}

function rankOf({ parentHigh, parentLow, kind }: StoredSpan): number {
  if (parentHigh === 0 && parentLow === 0) return 2;
  return kind === SPAN_KIND.server || kind === SPAN_KIND.consumer ? 1 : 0;
}
