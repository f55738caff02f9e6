import { type AnyValue, type Attributes } from '@opentelemetry/api';

import { warnOnce } from '../errors/warnings.js';
import { copyBounded, readSafely, setOwn, textOf } from './copy-bounded.js';

/** Attributes of one span, event, link or log record that are looked at; a limit on their number applies besides. */
const MAX_KEYS = 1_000;
/** Bytes of one binary value. */
const MAX_BYTES = 65_536;
const VALUE_LIMITS = { depth: 8, entries: 1_000, text: 65_536, total: 262_144 };

/** Labels of one measurement, and characters of one label. */
const MAX_LABELS = 128;
const MAX_LABEL_TEXT = 1_024;
const LABEL_ENTRIES = 64;

/** Whether every sink takes the value as it is. */
export function isPlainValue(value: unknown): value is string | number | boolean {
  // Each `typeof` beside its literal: V8 compares types then, and not texts.
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/**
 * The value as a span, an event, a link or a log record carries it: a BigInt as its digits, a symbol, a date, a regular
 * expression and an error as text, any other object as a bounded copy without cycles. Undefined for what has no value:
 * undefined and functions. Never throws.
 *
 * @param valueLength characters of a text, bytes of a binary value
 */
export function toAttributeValue(value: unknown, valueLength = Infinity): AnyValue {
  if (typeof value === 'string') return value.length <= valueLength ? value : value.slice(0, valueLength);
  if (isPlainValue(value) || value === null) return value;
  if (typeof value === 'object') {
    const bytes = bytesOf(value, Math.min(valueLength, MAX_BYTES));
    if (bytes !== undefined) return bytes;
  }
  const text = Math.min(valueLength, VALUE_LIMITS.text);
  // JSON can write it, so it is an AnyValue.
  return copyBounded(value, { ...VALUE_LIMITS, text });
}

/** Returns a new record whose members are what `toAttributeValue` makes of those of `given`; empty for what is no object. */
export function toAttributes(given: unknown, owner: string): Attributes {
  const attributes: Attributes = {};
  for (const [key, value] of readEntries(given, MAX_KEYS, owner)) {
    const kept = toAttributeValue(value);
    if (kept === undefined) warnSkipped(owner, key, value);
    else setOwn(attributes, key, kept);
  }
  return attributes;
}

/** Whether `given` is an object of a bounded number of texts, numbers and booleans, which needs no copy. Never throws. */
export function isPlainRecord(given: unknown): given is Attributes {
  // A buffer has an index for each byte, and all of them are listed before the first is seen.
  if (typeof given !== 'object' || given === null || ArrayBuffer.isView(given)) return false;
  try {
    let left = MAX_KEYS;
    const record = given as Readonly<Record<string, unknown>>;
    for (const key in record) {
      left -= 1;
      if (left < 0 || !isPlainValue(record[key])) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** Whether `given` can be the labels of a measurement as it is: few, short, and texts, numbers or booleans. Never throws. */
export function areLabels(given: object): boolean {
  try {
    let left = MAX_LABELS;
    const record = given as Readonly<Record<string, unknown>>;
    for (const key in record) {
      const value = record[key];
      left -= 1;
      if (left < 0) return false;
      if (typeof value === 'string') {
        if (value.length > MAX_LABEL_TEXT) return false;
      } else if (typeof value !== 'number' && typeof value !== 'boolean') return false;
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * The labels of a measurement: texts, numbers and booleans, and lists of them. Anything else becomes a short text; null,
 * undefined and functions are left out. Never throws.
 */
export function toLabels(given: unknown, owner: string): Attributes {
  const labels: Attributes = {};
  for (const [key, value] of readEntries(given, MAX_LABELS, owner)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'function') warnSkipped(owner, key, value);
    else setOwn(labels, key, isPlainList(value) ? [...value] : toLabel(value));
  }
  return labels;
}

function toLabel(value: unknown): string | number | boolean {
  return typeof value === 'number' || typeof value === 'boolean' ? value : textOf(value, MAX_LABEL_TEXT);
}

function isPlainList(value: unknown): value is (string | number | boolean)[] {
  return (
    readSafely(
      () =>
        Array.isArray(value) && value.length <= LABEL_ENTRIES && value.every((item) => isPlainValue(item)),
    ) === true
  );
}

/** The own members of anything, so many at most; a member that cannot be read is the text `[Threw]`. */
export function* readEntries(given: unknown, limit: number, owner: string): Generator<[string, unknown]> {
  if (given === undefined || given === null) return;
  const isRecord = typeof given === 'object' && !ArrayBuffer.isView(given);
  const keys = isRecord ? readSafely(() => Object.keys(given)) : undefined;
  if (!Array.isArray(keys)) {
    warnOnce(
      'attributes:unreadable',
      `Attributes of ${owner} are left out: they must be an object, and were ${textOf(given, 100)}.`,
    );
    return;
  }
  if (keys.length > limit) {
    warnOnce(
      'attributes:too-many',
      `${owner} was given ${keys.length} attributes; all after the first ${limit} are left out.`,
    );
  }
  for (const key of keys.slice(0, limit) as string[])
    yield [key, readSafely(() => (given as Readonly<Record<string, unknown>>)[key])];
}

/** @param owner what the attribute is of: `span "import"`, `instrument "orders"` */
export function warnSkipped(owner: string, key: unknown, value: unknown): void {
  if (value === undefined) return;
  warnOnce(
    'attributes:skipped',
    `The attribute ${textOf(key, 100)} of ${owner} is left out: ${
      typeof key === 'string' && key !== ''
        ? `a ${typeof value} is no value of an attribute`
        : 'a key must be a text that is not empty'
    }.`,
  );
}

/** A binary value; undefined for anything else. */
function bytesOf(value: object, limit: number): Uint8Array | undefined {
  if (!(ArrayBuffer.isView(value) && isUint8Array(value))) return undefined;
  return value.length <= limit ? value : value.subarray(0, limit);
}

function isUint8Array(view: ArrayBufferView): view is Uint8Array {
  return view instanceof Uint8Array;
}
