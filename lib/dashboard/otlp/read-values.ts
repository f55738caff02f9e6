import { redaction } from '../../redaction/active-redaction.js';
import { type ApiValue } from '../api/api.interface.js';
import { badRequest } from '../http/dashboard-error.js';

type Fields = Readonly<Record<string, unknown>>;

/** Deeper values are left out. */
const MAX_DEPTH = 16;

/** The object at `name`; empty when it is missing. @throws DashboardError 400 when it is something else */
export function objectAt(parent: Fields, name: string): Fields {
  const value = parent[name];
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw badRequest(`${name} is no object.`);
  return value as Fields;
}

/** The list of objects at `name`; empty when it is missing. @throws DashboardError 400 when it is something else */
export function listAt(parent: Fields, name: string): readonly Fields[] {
  const value = parent[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badRequest(`${name} is no list.`);
  for (const each of value as unknown[])
    if (typeof each !== 'object' || each === null || Array.isArray(each))
      throw badRequest(`${name} has something in it that is no object.`);
  return value as readonly Fields[];
}

export function textAt(parent: Fields, name: string): string {
  const value = parent[name];
  return typeof value === 'string' ? value : '';
}

/** A number, written as one or as a text; undefined when it is missing or none. */
export function numberAt(parent: Fields, name: string): number | undefined {
  const value = parent[name];
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) && value !== 'NaN' ? undefined : number;
}

/** Microseconds since the epoch of what is written in nanoseconds; undefined when it is missing or none. */
export function microsecondsAt(parent: Fields, name: string): number | undefined {
  const value = parent[name];
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return Number(BigInt(value) / 1_000n);
  return typeof value === 'number' && value >= 0 ? Math.round(value / 1_000) : undefined;
}

/** An id of that many digits, in lower case; undefined when it is none, or all zero. */
export function idAt(parent: Fields, name: string, digits: 16 | 32): string | undefined {
  const value = parent[name];
  if (typeof value !== 'string' || value.length !== digits || !/^[\da-f]+$/i.test(value)) return undefined;
  return /^0+$/.test(value) ? undefined : value.toLowerCase();
}

/** The attributes of something, without secrets; what has no value is left out, and the last of a name counts. */
export function attributesAt(parent: Fields, name = 'attributes', depth = 0): Record<string, ApiValue> {
  const attributes: Record<string, ApiValue> = {};
  for (const entry of listAt(parent, name)) {
    const value = readValue(objectAt(entry, 'value'), depth);
    if (value === undefined) continue;
    const key = textAt(entry, 'key');
    Object.defineProperty(attributes, key, {
      // "__proto__" is a name like any other.
      value: redaction().attribute(key, value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return attributes;
}

/** What an `AnyValue` says; undefined for none. */
export function readValue(value: Fields, depth = 0): ApiValue | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof value.stringValue === 'string') return value.stringValue;
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  if (value.intValue !== undefined) return readInteger(value);
  if (value.doubleValue !== undefined) return readDouble(value);
  if (value.arrayValue !== undefined)
    return listAt(objectAt(value, 'arrayValue'), 'values').map((each) => readValue(each, depth + 1) ?? null);
  if (value.kvlistValue !== undefined)
    return attributesAt(objectAt(value, 'kvlistValue'), 'values', depth + 1);
  return typeof value.bytesValue === 'string' ? value.bytesValue : undefined;
}

/** As a text when it is too big for a number. */
function readInteger(value: Fields): ApiValue | undefined {
  const number = numberAt(value, 'intValue');
  return number === undefined || Number.isSafeInteger(number) ? number : String(value.intValue);
}

/** JSON has no words for what is not finite. */
function readDouble(value: Fields): ApiValue | undefined {
  const number = numberAt(value, 'doubleValue');
  return number === undefined || Number.isFinite(number) ? number : String(number);
}
