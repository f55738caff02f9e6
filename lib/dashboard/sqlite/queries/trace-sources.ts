import { type TraceFilter } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { Conditions, containing, hasField } from './conditions.js';
import { readCursor } from './cursor.js';
import { findRouteIds } from './find-route-ids.js';
import { chooseService } from './find-service.js';

/** A route of so many services and methods is looked for in the traces instead. */
const MAX_ROUTES = 40;

/** A trace on the way: only those that match are looked at any closer. */
export interface PassedTrace {
  readonly id: number;
  /** Where it stands among the others, see `Cursor`. */
  readonly at: number;
  readonly row: number;
  readonly matches: number;
}

/** Where traces are looked for: its rows are `PassedTrace`. */
export interface TraceSource {
  readonly sql: string;
  readonly values: Conditions['values'];
}

/** All traces by time, or the entries of a route by time; undefined when nothing can match. */
export function chooseTraceSource(database: Database, filter: TraceFilter): TraceSource | undefined {
  const { route, method } = filter;
  const service = chooseService(database, filter.service);
  if (service === undefined) return undefined;
  if (route === undefined && method === undefined) return fromTraces(filter, service.id, undefined);
  const routes = findRouteIds(database, service.id, route, method);
  if (routes.length === 0) return undefined;
  return routes.length <= MAX_ROUTES ? fromEntries(filter, routes) : fromTraces(filter, service.id, routes);
}

function fromTraces(
  filter: TraceFilter,
  service: number | undefined,
  routes: readonly number[] | undefined,
): TraceSource {
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
function fromEntries(filter: TraceFilter, routes: readonly number[]): TraceSource {
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
