import { type Database } from '../database/database.js';
import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { type TraceSummaryAnswer } from './answers.interface.js';
import { Conditions, containing, type FieldFilter, hasField } from './conditions.js';
import { readCursor, writeCursor } from './cursor.js';
import { findServiceId } from './find-service.js';
import { type Steps, Turn } from './steps.js';
import { type Page, type TimeRange } from './time-range.interface.js';
import { startSummaries, SUMMARY_COLUMNS, SUMMARY_TABLES, type SummaryRow } from './trace-summary.js';

const LIMIT = 50;
const MAX_LIMIT = 1_000;
/** A route of so many services and methods is looked for in the traces instead. */
const MAX_ROUTES = 40;

const SUMMARY = `SELECT ${SUMMARY_COLUMNS} FROM ${SUMMARY_TABLES} WHERE traces.id = ?`;

/** Which traces are asked for; what is undefined is no condition. */
export interface TraceFilter extends Partial<TimeRange> {
  /** Took part in it. */
  readonly service?: string | undefined;
  /** Entered a service by it, at the root or further down. */
  readonly route?: string | undefined;
  readonly method?: string | undefined;
  /** `error` and `ok`, or how the root ended: `404`, `5xx`. */
  readonly status?: string | undefined;
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
  /** One span has all of them. */
  readonly attributes?: readonly FieldFilter[] | undefined;
  /** In the name, the status message or the attributes of a span, whatever its case; or a trace id. */
  readonly text?: string | undefined;
  /** `next` of the page before. */
  readonly before?: string | undefined;
  /** Default 50, at most 1,000. */
  readonly limit?: number | undefined;
}

/** A trace on the way: only those that match are looked at any closer. */
interface PassedRow {
  readonly id: number;
  readonly at: number;
  readonly row: number;
  readonly matches: number;
}

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
    const source = chooseSource(database, { ...filter, before });
    if (source === undefined) return undefined;
    for (const row of database.iterate<PassedRow>(source.sql, ...source.values)) {
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

interface Source {
  readonly sql: string;
  readonly values: Conditions['values'];
}

/** All traces by time, or the entries of a route by time; undefined when nothing can match. */
function chooseSource(database: Database, filter: TraceFilter): Source | undefined {
  const { service, route, method } = filter;
  const serviceId = service === undefined ? undefined : findServiceId(database, service);
  if (service !== undefined && serviceId === undefined) return undefined;
  if (route === undefined && method === undefined) return fromTraces(filter, serviceId, undefined);
  const routes = findRouteIds(database, serviceId, route, method);
  if (routes.length === 0) return undefined;
  return routes.length <= MAX_ROUTES ? fromEntries(filter, routes) : fromTraces(filter, serviceId, routes);
}

/** Routes by which something entered. */
export function findRouteIds(
  database: Database,
  service: number | undefined,
  route: string | undefined,
  method: string | undefined,
): number[] {
  const conditions = new Conditions();
  conditions.add('is_entry = 1');
  if (service !== undefined) conditions.add('service = ?', service);
  if (route !== undefined) conditions.add('route = ?', route);
  if (method !== undefined) conditions.add('method = ?', method);
  return database
    .all<{ id: number }>(`SELECT id FROM routes WHERE ${conditions.sql}`, ...conditions.values)
    .map(({ id }) => id);
}

function fromTraces(
  filter: TraceFilter,
  service: number | undefined,
  routes: readonly number[] | undefined,
): Source {
  const place = new Conditions();
  addTime(place, filter, 'traces.start', 'traces.id');
  // There is an index of those that failed.
  if (filter.status === 'error') place.add('traces.error_count > 0');
  const numbers = numbersOf(filter, 'traces.duration');
  if (service !== undefined) numbers.add('instr(traces.services, ?) > 0', `,${service},`);
  const match = matchOf(filter);
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
function fromEntries(filter: TraceFilter, routes: readonly number[]): Source {
  const values: Conditions['values'] = [];
  const parts = routes.map((route) => {
    const place = new Conditions();
    place.add('spans.route = ?', route);
    addTime(place, filter, 'spans.start', 'spans.id');
    values.push(...place.values);
    return `SELECT start, id, duration, trace FROM spans INDEXED BY spans_by_route WHERE ${place.sql}`;
  });
  const numbers = numbersOf(filter, 'entries.duration');
  const match = matchOf(filter);
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

/** What only its spans say. */
function matchOf({ attributes = [], text }: TraceFilter): Conditions {
  const match = new Conditions();
  if (attributes.length > 0) {
    const span = new Conditions();
    for (const attribute of attributes) span.add(...hasField('spans.attributes', attribute));
    match.add(`EXISTS (SELECT 1 FROM spans WHERE trace = traces.id AND ${span.sql})`, ...span.values);
  }
  if (text !== undefined && text !== '') addText(match, text);
  return match;
}

function addStatus(match: Conditions, status: string): void {
  if (status === 'error') match.add('traces.error_count > 0');
  else if (status === 'ok') match.add('traces.error_count = 0');
  else if (/^\dxx$/.test(status)) match.add("ifnull(traces.outcome, '') LIKE ?", `${status[0] ?? ''}__`);
  else match.add("ifnull(traces.outcome, '') = ?", status);
}

function addText(match: Conditions, text: string): void {
  if (/^[0-9a-f]{32}$/i.test(text)) {
    match.add('traces.key = ? AND traces.trace_id = ?', traceKeyOf(text), bytesOf(text));
    return;
  }
  const pattern = containing(text);
  match.add(
    `EXISTS (SELECT 1 FROM spans WHERE trace = traces.id AND (spans.name LIKE ? ESCAPE '\\' OR
      spans.attributes LIKE ? ESCAPE '\\' OR spans.status_message LIKE ? ESCAPE '\\'))`,
    pattern,
    pattern,
    pattern,
  );
}
