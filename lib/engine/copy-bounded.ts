import { types } from 'node:util';

import { isError } from '../errors/telemetry.error.js';

/** How much of a value is kept when it is copied for an attribute, a log line, a log record or a span event. */
interface CopyLimits {
  /** Levels of nesting below the value itself. */
  readonly depth: number;
  /** Entries of one object or array. */
  readonly entries: number;
  /** Characters of one text. */
  readonly text: number;
  /** Characters of all texts and keys together, roughly; every other value counts as 8. */
  readonly total: number;
}

const DEFAULT_LIMITS: CopyLimits = { depth: 8, entries: 100, text: 8_192, total: 131_072 };

/** What a number, a boolean, null or the brackets of an object count against `total`: bounds the number of values. */
const VALUE_COST = 8;

interface Walk {
  readonly limits: CopyLimits;
  readonly ancestors: object[];
  left: number;
}

/** The first `limit` characters of `text`, followed by how many were cut off. */
export function clipText(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… [${text.length - limit} more characters]`;
}

/** Returns what `read` returns, or `[Threw]`: getters, proxies and toJSON() of the application may do anything. */
export function readSafely(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    // Reading the value throws.
    return '[Threw]';
  }
}

/** Whether a hook of the application returned a promise. It is not awaited, and its rejection must not end the process. */
export function dropPromise(value: unknown): boolean {
  if (!types.isPromise(value)) return false;
  value.then(undefined, () => undefined);
  return true;
}

/** The text that `holder` has under `key`; undefined for any other value, and for one that cannot be read. */
export function readText(holder: object, key: string): string | undefined {
  try {
    const value = (holder as Readonly<Record<string, unknown>>)[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A text for any value, at most `limit` characters: `String(value)` without what throws. */
export function textOf(value: unknown, limit = 1_024): string {
  if (typeof value === 'string') return clipText(value, limit);
  const copy = copyBounded(value, { text: limit, total: limit });
  if (typeof copy === 'string') return clipText(copy, limit);
  // A function has no copy, nor has undefined.
  if (copy === undefined) return typeof value;
  // JSON has no words for NaN and Infinity.
  return clipText(typeof copy === 'number' ? String(copy) : JSON.stringify(copy), limit);
}

/**
 * A copy of any value that JSON can write: without cycles, getters, functions, bigints or class instances, and no
 * larger than `limits`. Never throws.
 */
export function copyBounded(value: unknown, limits: Partial<CopyLimits> = {}): unknown {
  const all = { ...DEFAULT_LIMITS, ...limits };
  return copyValue(value, { limits: all, ancestors: [], left: all.total });
}

function copyValue(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case 'string':
      return copyText(value, walk);
    case 'bigint':
      return copyText(bigintText(value), walk);
    case 'symbol':
      return copyText(value.toString(), walk);
    case 'function':
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? null : copyObject(value, walk);
    default:
      walk.left -= VALUE_COST;
      return value;
  }
}

/** The digits of a huge number take longer than linear time to make. */
function bigintText(value: bigint): string {
  return BigInt.asIntN(4_096, value) === value ? value.toString() : '[BigInt of more than 4096 bits]';
}

function copyText(text: string, walk: Walk): string {
  if (walk.left <= 0) return '[Truncated]';
  const clipped = clipText(text, Math.min(walk.limits.text, walk.left));
  walk.left -= clipped.length;
  return clipped;
}

function copyObject(value: object, walk: Walk): unknown {
  if (walk.left <= 0) return '[Truncated]';
  walk.left -= VALUE_COST;
  if (walk.ancestors.includes(value)) return '[Circular]';
  try {
    const text = describeObject(value);
    if (text !== undefined) return copyText(text, walk);
  } catch {
    return '[Threw]';
  }
  if (walk.ancestors.length >= walk.limits.depth) return '[Truncated]';
  walk.ancestors.push(value);
  try {
    return copyMembers(value, walk);
  } catch {
    // An exotic object (a proxy, an iterator that throws) that cannot be walked.
    return '[Threw]';
  } finally {
    walk.ancestors.pop();
  }
}

/** The text that replaces an object; undefined where its members are to be copied. */
function describeObject(value: object): string | undefined {
  // `instanceof` and `Object.prototype.toString` ask a proxy; these ask the engine.
  if (types.isProxy(value)) return undefined;
  if (isError(value)) return errorText(value);
  if (ArrayBuffer.isView(value)) return `[${nameOfView(value)} of ${value.byteLength} bytes]`;
  if (types.isDate(value))
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : Date.prototype.toISOString.call(value);
  if (types.isRegExp(value)) return RegExp.prototype.toString.call(value);
  if (types.isBoxedPrimitive(value)) return String(value.valueOf());
  if (types.isPromise(value)) return '[Promise]';
  return undefined;
}

function errorText(error: Error): string {
  return `${textOf(
    readSafely(() => error.name),
    256,
  )}: ${textOf(
    readSafely(() => error.message),
    8_192,
  )}`;
}

function nameOfView(view: ArrayBufferView): string {
  return view instanceof DataView ? 'DataView' : Buffer.isBuffer(view) ? 'Buffer' : tagOf(view);
}

/** `Float64Array` of a typed array, also where its constructor was replaced. */
function tagOf(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice('[object '.length, -1);
}

function copyMembers(value: object, walk: Walk): unknown {
  const json = readSafely(() => (hasToJson(value) ? value.toJSON() : value));
  if (json !== value) return copyValue(json, walk);
  if (Array.isArray(value)) return copyArray(value, value.length, walk);
  if (value instanceof Set) return copyArray(value, value.size, walk);
  if (value instanceof Map) return copyEntries(value, value.size, walk);
  const keys = Object.keys(value);
  return copyEntries(membersOf(value, keys), keys.length, walk);
}

function hasToJson(value: object): value is { toJSON: () => unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

function copyArray(items: Iterable<unknown>, size: number, walk: Walk): unknown[] {
  const copy: unknown[] = [];
  if (size > 0) {
    for (const item of items) {
      if (copy.length >= walk.limits.entries || walk.left <= 0) break;
      copy.push(copyValue(item, walk) ?? null);
    }
  }
  if (size > copy.length) copy.push(`[${size - copy.length} more]`);
  return copy;
}

function* membersOf(value: object, keys: readonly string[]): Generator<[string, unknown]> {
  for (const key of keys) yield [key, readSafely(() => (value as Record<string, unknown>)[key])];
}

function copyEntries(
  entries: Iterable<[unknown, unknown]>,
  size: number,
  walk: Walk,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  let count = 0;
  for (const [given, value] of entries) {
    if (count >= walk.limits.entries || walk.left <= 0) break;
    const key = typeof given === 'string' ? clipText(given, walk.limits.text) : textOf(given, 256);
    walk.left -= key.length + 2;
    count += 1;
    setOwn(copy, key, copyValue(value, walk));
  }
  if (size > count) copy['…'] = walk.left <= 0 ? '[Truncated]' : `[${size - count} more]`;
  return copy;
}

/** Sets an own property also when it is called `__proto__`, where an assignment would replace the prototype. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else (target as Record<string, unknown>)[key] = value;
}

/** Values, and characters of texts, that a value may have to be written without a bounded copy. */
const MAX_VALUES = 2_000;
const MAX_TEXT = 65_536;
const MAX_DEPTH = 12;

interface Room {
  values: number;
  text: number;
}

/**
 * Whether JSON can write `value` as it is, in bounded time: few values, none of them circular, and none that JSON shows
 * as `{}` or asks for another form. Looks at no more than it allows; where the answer is no, `copyBounded` makes a copy.
 */
export function fitsBounds(value: object): boolean {
  try {
    return fitsObject(value, { values: MAX_VALUES, text: MAX_TEXT }, 0);
  } catch {
    // A getter or a proxy threw.
    return false;
  }
}

function fitsObject(value: object, room: Room, depth: number): boolean {
  if (depth > MAX_DEPTH || types.isProxy(value)) return false;
  if (Array.isArray(value)) {
    return value.length <= room.values && value.every((item) => fits(item, room, depth + 1));
  }
  if (types.isDate(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // What is no plain object may be a Map, an error or a document of an ORM.
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    return false;
  if ('toJSON' in value) return false;
  const record = value as Readonly<Record<string, unknown>>;
  for (const key in record) {
    room.text -= key.length;
    if (!fits(record[key], room, depth + 1)) return false;
  }
  return true;
}

function fits(value: unknown, room: Room, depth: number): boolean {
  room.values -= 1;
  if (room.values < 0 || room.text < 0) return false;
  switch (typeof value) {
    case 'string':
      room.text -= value.length;
      return room.text >= 0;
    case 'object':
      return value === null || fitsObject(value, room, depth);
    case 'bigint':
      return false;
    default:
      return true;
  }
}
