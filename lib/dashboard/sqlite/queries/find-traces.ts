import { type Page } from '../../reader/answers/answer-parts.interface.js';
import { type TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { type TraceFilter } from '../../reader/telemetry-reader.interface.js';
import { traceIdIn } from '../../reader/trace-id-in.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type Database } from '../database/database.js';
import { bytesOf, hexOf, traceKeyOf } from '../encoding/ids.js';
import { chooseProcesses, HAS_PROCESS, isOfProcesses } from './chosen-processes.js';
import {
  chooseService,
  Conditions,
  containing,
  countUpTo,
  findRouteIds,
  hasField,
  hasOnly,
  readCursor,
  readServiceNames,
  writeCursor,
} from './query-parts.js';

/** Columns of `traces`, and of `routes` where the trace has one. */
export const SUMMARY_COLUMNS = `traces.id, traces.trace_id AS traceId, traces.start, traces.duration, traces.name,
  traces.service, traces.outcome, traces.span_count AS spanCount, traces.error_count AS errorCount, traces.services, traces.pinned,
  traces.root_rank AS rootRank, routes.method, routes.route, routes.is_entry AS isEntry`;
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
  readonly rootRank: number;
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
    state: row.rootRank === 0 ? 'partial' : undefined,
  });
}

const LIMIT = 50;
const MAX_LIMIT = 1_000;

const SUMMARY = `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES} WHERE traces.id = ?`;

/**
 * Traces, newest first. Looking at many traces stops after some 150 ms: such a page has fewer items than asked for, perhaps none,
 * and still says where to go on.
 */
export function* findTraces(database: Database, filter: TraceFilter = {}): Steps<Page<TraceSummaryAnswer>> {
  const limit = Math.min(Math.max(1, filter.limit ?? LIMIT), MAX_LIMIT);
  const items: TraceSummaryAnswer[] = [];
  const seen = new Set<number>();
  const turn = new TimeSlice();
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
  return { items, next, total: filter.before === undefined ? countTraces(database, filter) : undefined };
}

/** How many traces match; undefined where more than their index would have to be read. */
function countTraces(database: Database, filter: TraceFilter): number | undefined {
  const { status = 'error' } = filter;
  if (!hasOnly(filter, ['from', 'to', 'limit', 'status']) || status !== 'error') return undefined;
  const place = new Conditions();
  addTime(place, filter, 'start', 'id');
  if (filter.status === 'error') place.add('error_count > 0');
  return countUpTo(database, 'traces', place);
}

/** A route of so many services and methods is looked for in the traces instead. */
const MAX_ROUTES = 40;

/** A trace on the way: only those that match are looked at any closer. */
interface PassedTrace {
  readonly id: number;
  /** Where it stands among the others, see `Cursor`. */
  readonly at: number;
  readonly row: number;
  readonly matches: number;
}

/** Where traces are looked for: its rows are `PassedTrace`. */
interface TraceSource {
  readonly sql: string;
  readonly values: Conditions['values'];
}

/** All traces by time, or the entries of a route by time; undefined when nothing can match. */
function chooseTraceSource(database: Database, filter: TraceFilter): TraceSource | undefined {
  const { route, method } = filter;
  const service = chooseService(database, filter.service);
  const spanService = chooseService(database, filter.spanService);
  if (service === undefined || spanService === undefined) return undefined;
  const match = matchOf(filter, spanService.id);
  const processes = chooseProcesses(database, filter, service.id);
  if (processes !== undefined) match.add(HAS_PROCESS, processes);
  if (route === undefined && method === undefined) return fromTraces(filter, match, service.id, undefined);
  const routes = findRouteIds(database, service.id, route, method);
  if (routes.length === 0) return undefined;
  return routes.length <= MAX_ROUTES
    ? fromEntries(filter, match, routes, processes)
    : fromTraces(filter, match, service.id, routes);
}

function fromTraces(
  filter: TraceFilter,
  match: Conditions,
  service: number | undefined,
  routes: readonly number[] | undefined,
): TraceSource {
  const place = new Conditions();
  addTime(place, filter, 'traces.start', 'traces.id');
  // There is an index of those that failed.
  if (filter.status === 'error') place.add('traces.error_count > 0');
  const numbers = numbersOf(filter, 'traces.duration');
  if (service !== undefined) numbers.add('instr(traces.services, ?) > 0', `,${service},`);
  if (routes !== undefined)
    match.add(
      'EXISTS (SELECT 1 FROM spans WHERE trace = traces.id AND route IN (SELECT value FROM json_each(?)))',
      JSON.stringify(routes),
    );
  return {
    sql: `SELECT traces.id, traces.start AS at, traces.id AS row, (${numbers.sql} AND ${match.sql}) AS matches FROM traces
      WHERE ${place.sql} AND (${numbers.sql} OR ${isMilestone('traces.id')}) ORDER BY traces.start DESC, traces.id DESC`,
    values: [...numbers.values, ...match.values, ...place.values, ...numbers.values],
  };
}

/** Each route is in the order of time by its index; SQLite merges them as it goes. Without a LIMIT it would drop that order. */
function fromEntries(
  filter: TraceFilter,
  match: Conditions,
  routes: readonly number[],
  processes: string | undefined,
): TraceSource {
  const values: Conditions['values'] = [];
  const parts = routes.map((route) => {
    const place = new Conditions();
    place.add('spans.route = ?', route);
    addTime(place, filter, 'spans.start', 'spans.id');
    if (processes !== undefined) place.add(isOfProcesses('spans.resource'), processes);
    values.push(...place.values);
    return `SELECT start, id, duration, trace FROM spans INDEXED BY spans_by_route WHERE ${place.sql}`;
  });
  const numbers = numbersOf(filter, 'entries.duration');
  return {
    sql: `SELECT traces.id, entries.start AS at, entries.id AS row, (${numbers.sql} AND ${match.sql}) AS matches
      FROM (${parts.join(' UNION ALL ')} ORDER BY start DESC, id DESC LIMIT -1) AS entries CROSS JOIN traces ON traces.id = entries.trace
      WHERE ${numbers.sql} OR ${isMilestone('entries.id')}`,
    values: [...numbers.values, ...match.values, ...values, ...numbers.values],
  };
}

/** SQLite passes over traces that do not match by itself; some it shows all the same, so that there is time to stop. */
function isMilestone(id: string): string {
  return `${id} & 63 = 0`;
}

function addTime(place: Conditions, filter: TraceFilter, start: string, id: string): void {
  const { from, to } = filter;
  const cursor = readCursor(filter.before);
  if (from !== undefined) place.add(`${start} >= ?`, from * 1_000);
  if (to !== undefined) place.add(`${start} < ?`, to * 1_000);
  if (cursor !== undefined) place.add(`(${start}, ${id}) < (?, ?)`, cursor.at, cursor.id);
}

/** What a trace itself says. */
function numbersOf({ minMs, maxMs, status }: TraceFilter, duration: string): Conditions {
  const numbers = new Conditions();
  if (minMs !== undefined) numbers.add(`${duration} >= ?`, minMs * 1_000);
  if (maxMs !== undefined) numbers.add(`${duration} <= ?`, maxMs * 1_000);
  if (status !== undefined) addStatus(numbers, status);
  return numbers;
}

/** What its spans and log lines say. @param service Those with the attributes are of this one; undefined: of any */
function matchOf({ attributes = [], text }: TraceFilter, service: number | undefined): Conditions {
  const match = new Conditions();
  if (service !== undefined) match.add('instr(traces.services, ?) > 0', `,${service},`);
  if (attributes.length > 0) {
    const span = new Conditions();
    const line = new Conditions();
    if (service !== undefined) {
      span.add('spans.resource IN (SELECT id FROM resources WHERE service = ?)', service);
      line.add('logs.service = ?', service);
    }
    for (const attribute of attributes) {
      span.add(...hasField('spans.attributes', attribute));
      line.add(...hasField('logs.attributes', attribute));
    }
    addPart(match, span, line);
  }
  if (text !== undefined && text !== '') addText(match, text);
  return match;
}

/** That one span of the trace fulfils `span`, or one of its log lines `line`. */
function addPart(match: Conditions, span: Conditions, line: Conditions): void {
  match.add(
    `(EXISTS (SELECT 1 FROM spans WHERE trace = traces.id AND ${span.sql}) OR
      EXISTS (SELECT 1 FROM logs INDEXED BY logs_by_trace
        WHERE trace_key = traces.key AND logs.trace_id = traces.trace_id AND ${line.sql}))`,
    ...span.values,
    ...line.values,
  );
}

function addStatus(match: Conditions, status: string): void {
  if (status === 'error') match.add('traces.error_count > 0');
  else if (status === 'ok') match.add('traces.error_count = 0');
  else if (/^\dxx$/.test(status)) match.add("ifnull(traces.outcome, '') LIKE ?", `${status[0] ?? ''}__`);
  else match.add("ifnull(traces.outcome, '') = ?", status);
}

function addText(match: Conditions, text: string): void {
  const traceId = traceIdIn(text);
  if (traceId !== undefined) {
    match.add('traces.key = ? AND traces.trace_id = ?', traceKeyOf(traceId), bytesOf(traceId));
    return;
  }
  addPart(
    match,
    containsText(text, 'spans.name', 'spans.attributes', 'spans.status_message'),
    containsText(text, 'message', 'logs.attributes', 'context'),
  );
}

/** That one of these columns has the text in it. */
function containsText(text: string, ...columns: readonly string[]): Conditions {
  const condition = new Conditions();
  const sql = columns.map((column) => `${column} LIKE ? ESCAPE '\\'`).join(' OR ');
  condition.add(`(${sql})`, ...columns.map(() => containing(text)));
  return condition;
}
