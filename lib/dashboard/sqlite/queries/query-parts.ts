import { getOrAdd } from '../../get-or-add.js';
import { type JsonAttributes, type SourceAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type FieldFilter } from '../../reader/field-filter.js';
import { type Database, type SqlValue } from '../database/database.js';

/** Columns of `spans` that are read as they are stored. */
export interface SpanColumns {
  readonly name: string;
  readonly kind: number;
  /** Microseconds since the epoch. */
  readonly start: number;
  /** Microseconds. */
  readonly duration: number;
  readonly status: number;
  readonly statusMessage: string | null;
  readonly attributes: string;
  readonly events: string | null;
}

/** What rows must fulfil: SQL and its values, side by side. */
export class Conditions {
  readonly values: SqlValue[] = [];
  private readonly texts: string[] = [];

  add(text: string, ...values: SqlValue[]): void {
    this.texts.push(text);
    this.values.push(...values);
  }

  get sql(): string {
    return this.texts.length === 0 ? '1' : this.texts.join(' AND ');
  }
}

const TEXT = (column: string): string =>
  `CASE json_type(${column}, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(${column} ->> ? AS TEXT) END`;

/** That a JSON column has this member, and that its value fulfils the condition. */
export function hasField(
  column: string,
  { key, value, operator = '=' }: FieldFilter,
): [string, ...SqlValue[]] {
  const label = JSON.stringify(key);
  const path = `$.${label}`;
  // Looking for a text is cheaper than reading the JSON, which few rows get to.
  const on = (condition: string, ...values: SqlValue[]): [string, ...SqlValue[]] => [
    `instr(${column}, ?) > 0 AND CASE WHEN json_valid(${column}) THEN ${condition} ELSE 0 END`,
    label,
    ...values,
  ];
  switch (operator) {
    case '=': {
      const [sql, ...values] = on(`${TEXT(column)} = ?`, path, path, value);
      return [`instr(${column}, ?) > 0 AND ${sql}`, JSON.stringify(value).slice(1, -1), ...values];
    }
    case '!=':
      return on(`${TEXT(column)} != ?`, path, path, value);
    case '~':
      return on(`${TEXT(column)} LIKE ? ESCAPE '\\'`, path, path, containing(value));
    case 'exists':
      return on(`json_type(${column}, ?) IS NOT NULL`, path);
    default:
      return on(
        `json_type(${column}, ?) IN ('integer', 'real') AND ${column} ->> ? ${operator} ?`,
        path,
        path,
        Number(value),
      );
  }
}

/** Whether a filter has no conditions but these. */
export function hasOnly(filter: object, names: readonly string[]): boolean {
  return Object.entries(filter).every(
    ([name, value]) =>
      names.includes(name) || value === undefined || (Array.isArray(value) && value.length === 0),
  );
}

/** Counting more rows would block the event loop for too long. */
const MAX_COUNTED = 20_000;

/** The number of rows that fulfil conditions of an index; undefined where they are more than 20,000. */
export function countUpTo(
  database: Database,
  table: 'traces' | 'logs',
  place: Conditions,
): number | undefined {
  const sql = `SELECT count(*) AS total FROM (SELECT 1 FROM ${table} WHERE ${place.sql} LIMIT ?)`;
  const { total } = database.one<{ total: number }>(sql, ...place.values, MAX_COUNTED + 1);
  return total > MAX_COUNTED ? undefined : total;
}

/** A pattern of LIKE for a text anywhere; to be used with `ESCAPE '\'`. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

/** Where a page ends: the order is by `at`, newest first, and by `id` among equals. */
export interface Cursor {
  readonly at: number;
  readonly id: number;
}

export function writeCursor({ at, id }: Cursor): string {
  return `${Math.max(0, Math.floor(at))}.${id}`;
}

/** Undefined for a text that is none. */
export function readCursor(text: string | undefined): Cursor | undefined {
  const [, at, id] = /^(\d{1,17})\.(\d{1,16})$/.exec(text ?? '') ?? [];
  return at === undefined || id === undefined ? undefined : { at: Number(at), id: Number(id) };
}

/** The service of that name, or all (no `id`) when none is named; undefined for one that has never reported. */
export function chooseService(
  database: Database,
  name: string | undefined,
): { readonly id: number | undefined } | undefined {
  if (name === undefined) return { id: undefined };
  return database.get<{ id: number }>('SELECT id FROM services WHERE name = ?', name);
}

/** The names of all services by their numbers. */
export function readServiceNames(database: Database): Map<number, string> {
  const rows = database.all<{ id: number; name: string }>('SELECT id, name FROM services');
  return new Map(rows.map(({ id, name }) => [id, name]));
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

const SOURCE = `SELECT file, line FROM services JOIN functions ON functions.service = services.id
  WHERE services.name = ? AND functions.name = ?`;

/** Where methods of services were written, as their processes have declared; each is looked for once. */
export function findSources(
  database: Database,
): (service: string, functionName: string) => SourceAnswer | undefined {
  const found = new Map<string, SourceAnswer | null>();
  return (service, name) =>
    getOrAdd(found, `${service} ${name}`, () => database.get<SourceAnswer>(SOURCE, service, name) ?? null) ??
    undefined;
}

/** What the text says; empty when the text is not a JSON object. */
export function readAttributes(text: string | null): JsonAttributes {
  return text === null ? {} : ((readJson(text) as JsonAttributes | undefined) ?? {});
}

/** The members of a JSON array; empty for anything else. */
export function readList<T>(text: string | null): readonly T[] {
  const list = text === null ? undefined : readJson(text);
  return Array.isArray(list) ? (list as T[]) : [];
}

function readJson(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // It was not written by this library; the row is shown without it.
    return undefined;
  }
}
