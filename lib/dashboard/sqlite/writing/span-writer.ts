import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { bytesOf, IdBytes, traceKeyOf } from '../encoding/ids.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../rows.interface.js';
import { type Dictionaries, type ResourceIds, type RouteKey } from './dictionaries.js';
import { type Entry } from './rollups.js';
import { beginTrace, foldSpan, type TraceRow } from './trace-row.js';

const INSERT_SPAN = `INSERT INTO spans
  (trace, span_id, parent_id, resource, scope, name, kind, start, duration, status, status_message, route, attributes, events, links)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

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

  write(spans: readonly StoredSpan[], tally: Tally, entries: Entry[], now: number): void {
    const byTrace = new Map<string, PlacedSpan[]>();
    for (const span of spans) {
      const placed = this.place(span, now);
      const others = byTrace.get(span.traceId);
      if (others === undefined) byTrace.set(span.traceId, [placed]);
      else others.push(placed);
    }
    for (const placed of byTrace.values()) this.writeTrace(placed, tally, entries, now);
  }

  private place(span: StoredSpan, now: number): PlacedSpan {
    const ids = this.dictionaries.resource(span.resource, now);
    const key = routeKeyOf(span);
    const route = key && this.dictionaries.route(ids.service, key, now);
    return { span, ids, route };
  }

  private writeTrace(placed: readonly PlacedSpan[], tally: Tally, entries: Entry[], now: number): void {
    const [first] = placed;
    if (first === undefined) return;
    const { database } = this;
    const bytes = bytesOf(first.span.traceId);
    const key = traceKeyOf(first.span.traceId);
    const found = database.get<TraceRow & { readonly id: number }>(FIND_TRACE, key, bytes);
    const row: TraceRow =
      found ?? beginTrace(first.ids.service, this.dictionaries.route(first.ids.service, UNFINISHED, now));
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
    for (const span of placed) this.writeSpan(trace, span, entries);
  }

  private writeSpan(trace: number, { span, ids, route }: PlacedSpan, entries: Entry[]): void {
    const { parentHigh, parentLow, idHigh, idLow, start, duration } = span;
    const entered = route !== undefined && isEntry(span);
    if (entered)
      entries.push({
        route,
        trace,
        idHigh,
        idLow,
        start,
        duration,
        failed: span.status === SPAN_STATUS.error,
      });
    this.database
      .prepare(INSERT_SPAN)
      .run(
        trace,
        this.spanId.of(idHigh, idLow),
        parentHigh === 0 && parentLow === 0 ? null : this.parentId.of(parentHigh, parentLow),
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
      );
  }
}

/** Whether the span is a request, message or run that entered its service. */
function isEntry({ kind, parentHigh, parentLow }: StoredSpan): boolean {
  if (kind === SPAN_KIND.server || kind === SPAN_KIND.consumer) return true;
  return kind === SPAN_KIND.internal && parentHigh === 0 && parentLow === 0;
}

/** By what the span entered its service, or was begun there; undefined for one inside of another. */
function routeKeyOf(span: StoredSpan): RouteKey | undefined {
  const { kind, method, route, name } = span;
  if (isEntry(span)) {
    if (kind === SPAN_KIND.internal) return { method: 'RUN', route: name, isEntry: true };
    if (kind === SPAN_KIND.consumer) return { method: 'CONSUME', route: route ?? name, isEntry: true };
    return method === undefined
      ? { method: 'RPC', route: route ?? name, isEntry: true }
      : { method, route: route ?? '', isEntry: true };
  }
  const hasParent = span.parentHigh !== 0 || span.parentLow !== 0;
  return hasParent ? undefined : { method: 'CALL', route: name, isEntry: false };
}
