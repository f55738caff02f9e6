import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { bytesOf, IdBytes, traceKeyOf } from '../encoding/ids.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../rows.interface.js';
import { type Dictionaries, type ResourceIds, type RouteKey } from './dictionaries.js';
import { FAILED_WORK, type WrittenSpan } from './failed-work.js';
import { type VersionedEntry } from './version-sums.js';

const INSERT_SPAN = `INSERT INTO spans
  (trace, span_id, parent_id, resource, scope, name, kind, start, duration, status, status_message, route, attributes, events, links, weight)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const FIND_TRACE = `SELECT id, start, finish, root_rank AS rootRank, root_start AS rootStart, duration, name, service, route, outcome,
  span_count AS spanCount, error_count AS errorCount, services, pinned FROM traces WHERE key = ? AND trace_id = ?`;

const INSERT_TRACE = `INSERT INTO traces
  (start, finish, root_rank, root_start, duration, name, service, route, outcome, span_count, error_count, services, pinned, trace_id, key)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const UPDATE_TRACE = `UPDATE traces SET start = ?, finish = ?, root_rank = ?, root_start = ?, duration = ?, name = ?, service = ?,
  route = ?, outcome = ?, span_count = ?, error_count = ?, services = ?, pinned = ? WHERE id = ?`;

/** A span as it waits for its trace. */
interface PlacedSpan {
  readonly span: StoredSpan;
  readonly ids: ResourceIds;
  readonly route: number | undefined;
  /** See `WrittenSpan`. */
  readonly work: number | undefined;
}

/** What is added up of spans when they are there for good. */
export interface WrittenSpans {
  readonly entries: VersionedEntry[];
  readonly spans: WrittenSpan[];
}

/** The group of traces whose root has not come yet. */
const UNFINISHED: RouteKey = { method: 'CALL', route: '(unfinished)', isEntry: false };

/** Writes spans and keeps the summaries of their traces; to be used within one transaction. */
export class SpanWriter {
  private readonly spanId = new IdBytes();
  private readonly parentId = new IdBytes();

  constructor(
    private readonly database: Database,
    private readonly dictionaries: Dictionaries,
  ) {}

  write(spans: readonly StoredSpan[], tally: Tally, written: WrittenSpans, now: number): void {
    const placed = spans.map((span) => this.place(span, now));
    for (const ofTrace of Map.groupBy(placed, ({ span }) => span.traceId).values())
      this.writeTrace(ofTrace, tally, written, now);
  }

  private place(span: StoredSpan, now: number): PlacedSpan {
    const ids = this.dictionaries.resource(span.resource, now);
    const key = routeKeyOf(span);
    const route = key && this.dictionaries.route(ids.service, key, now);
    const { status, kind } = span;
    // A call that failed and was handled is no failed work, such as a 404 for what need not be there.
    const isWork = !isEntry(span) && kind !== SPAN_KIND.client;
    const work =
      status === SPAN_STATUS.error && isWork
        ? this.dictionaries.route(ids.service, FAILED_WORK, now)
        : undefined;
    return { span, ids, route, work };
  }

  private writeTrace(placed: readonly PlacedSpan[], tally: Tally, written: WrittenSpans, now: number): void {
    const [first] = placed;
    if (first === undefined) return;
    const { database } = this;
    const bytes = bytesOf(first.span.traceId);
    const key = traceKeyOf(first.span.traceId);
    const found = database.get<TraceRow & { readonly id: number }>(FIND_TRACE, key, bytes);
    const { service } = first.ids;
    const row: TraceRow = found ?? {
      ...NEW_TRACE,
      service,
      route: this.dictionaries.route(service, UNFINISHED, now),
    };
    if (found !== undefined) tally.addSpans(found.route, found.pinned === 1, -found.spanCount);
    for (const { span, ids, route } of placed) foldSpan(row, span, ids.service, route);
    tally.addSpans(row.route, row.pinned === 1, row.spanCount);

    const statement = database.prepare(found === undefined ? INSERT_TRACE : UPDATE_TRACE);
    const { lastInsertRowid } = statement.run(
      row.start,
      row.finish,
      row.rootRank,
      row.rootStart,
      row.duration,
      row.name,
      row.service,
      row.route,
      row.outcome,
      row.spanCount,
      row.errorCount,
      row.services,
      row.pinned,
      ...(found === undefined ? [bytes, key] : [found.id]),
    );
    const trace = found?.id ?? Number(lastInsertRowid);
    for (const span of placed) this.writeSpan(trace, span, written);
  }

  private writeSpan(trace: number, { span, ids, route, work }: PlacedSpan, written: WrittenSpans): void {
    const { parentHigh, parentLow, idHigh, idLow, start, duration, weight = 1 } = span;
    const entered = route !== undefined && isEntry(span);
    const failed = span.status === SPAN_STATUS.error;
    if (entered) {
      const { version } = span.resource;
      written.entries.push({ route, trace, idHigh, idLow, start, duration, failed, weight, version });
    }
    written.spans.push({ span, trace, work });
    this.database
      .prepare(INSERT_SPAN)
      .run(
        trace,
        this.spanId.of(idHigh, idLow),
        hasParent(span) ? this.parentId.of(parentHigh, parentLow) : null,
        ids.resource,
        this.dictionaries.scope(span.scope),
        span.name,
        span.kind,
        start,
        duration,
        span.status,
        span.statusMessage ?? null,
        entered ? route : null,
        span.attributes,
        span.events ?? null,
        span.links ?? null,
        span.weight ?? null,
      );
  }
}

export function hasParent({ parentHigh, parentLow }: StoredSpan): boolean {
  return parentHigh !== 0 || parentLow !== 0;
}

/** Whether the span is a request, message or run that entered its service. */
export function isEntry(span: StoredSpan): boolean {
  const { kind } = span;
  if (kind === SPAN_KIND.server || kind === SPAN_KIND.consumer) return true;
  return kind === SPAN_KIND.internal && !hasParent(span);
}

/** By what the span entered its service, or was begun there; undefined for one inside of another. */
export function routeKeyOf(span: StoredSpan): RouteKey | undefined {
  const { kind, method, route, name } = span;
  if (isEntry(span)) {
    if (kind === SPAN_KIND.internal) return { method: 'RUN', route: name, isEntry: true };
    if (kind === SPAN_KIND.consumer) return { method: 'CONSUME', route: route ?? name, isEntry: true };
    if (method === undefined) return { method: 'RPC', route: route ?? name, isEntry: true };
    return { method, route: route ?? '', isEntry: true };
  }
  return hasParent(span) ? undefined : { method: 'CALL', route: name, isEntry: false };
}

/** What is known of a trace without looking at its spans. Times and durations are microseconds. */
interface TraceRow {
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

/** A trace that has no spans yet. */
const NEW_TRACE = {
  start: Infinity,
  finish: 0,
  rootRank: -1,
  rootStart: 0,
  duration: 0,
  name: '',
  outcome: null,
  spanCount: 0,
  errorCount: 0,
  services: ',',
  pinned: 0,
};

/** Adds a span to the summary of its trace. Spans come in any order, and from several processes. */
function foldSpan(row: TraceRow, span: StoredSpan, service: number, route: number | undefined): void {
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

function rankOf(span: StoredSpan): number {
  return hasParent(span) ? Number(isEntry(span)) : 2;
}

/** Lets a trace be evicted only when too many are pinned; nothing happens when it is not there. */
export function pinTrace(database: Database, trace: number, tally: Tally): void {
  const found = database.get<{ route: number; spans: number }>(
    'UPDATE traces SET pinned = 1 WHERE id = ? AND pinned = 0 RETURNING route, span_count AS spans',
    trace,
  );
  if (found === undefined) return;
  tally.addSpans(found.route, false, -found.spans);
  tally.addSpans(found.route, true, found.spans);
}
