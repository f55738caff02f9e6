import { type FieldFilter } from '../../reader/telemetry-reader.interface.js';
import { type SqlValue } from '../database/database.js';

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

/** That a JSON column has this member with this value. */
export function hasField(column: string, { key, value }: FieldFilter): [string, ...SqlValue[]] {
  const label = JSON.stringify(key);
  const path = `$.${label}`;
  // Looking for the two texts is cheaper than reading the JSON, which few rows get to.
  const text = `instr(${column}, ?) > 0 AND instr(${column}, ?) > 0 AND CASE WHEN json_valid(${column}) THEN
    CASE json_type(${column}, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(${column} ->> ? AS TEXT) END = ? ELSE 0 END`;
  return [text, label, JSON.stringify(value).slice(1, -1), path, path, value];
}

/** A pattern of LIKE for a text anywhere; to be used with `ESCAPE '\'`. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
