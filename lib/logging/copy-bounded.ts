import { isError } from '../errors/is-error.js';

/** How much of a value is kept when it is copied for a log line, a log record or a span event. */
export interface CopyLimits {
  /** Levels of nesting below the value itself. */
  readonly depth: number;
  /** Entries of one object or array. */
  readonly entries: number;
  /** Characters of one text. */
  readonly text: number;
  /** Characters of all texts and keys together, roughly. */
  readonly total: number;
}

const DEFAULT_LIMITS: CopyLimits = { depth: 8, entries: 100, text: 8_192, total: 131_072 };

interface Walk {
  readonly limits: CopyLimits;
  readonly ancestors: object[];
  left: number;
}

/** The first `limit` characters of `text`, saying how many were cut off. */
export function clipText(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… [${text.length - limit} more characters]`;
}

/** What `read` returns, or a text saying that it threw: getters, proxies and toJSON() of others may do anything. */
export function readSafely(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    // The value cannot be had; that it threw is all there is to say about it.
    return '[Threw]';
  }
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
    case 'symbol':
      return value.toString();
    case 'function':
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? null : copyObject(value, walk);
    default:
      return value;
  }
}

function copyText(text: string, walk: Walk): string {
  if (walk.left <= 0) return '[Truncated]';
  const clipped = clipText(text, Math.min(walk.limits.text, walk.left));
  walk.left -= clipped.length;
  return clipped;
}

function copyObject(value: object, walk: Walk): unknown {
  if (walk.left <= 0) return '[Truncated]';
  if (walk.ancestors.includes(value)) return '[Circular]';
  if (isError(value)) return copyText(String(readSafely(() => `${value.name}: ${value.message}`)), walk);
  if (ArrayBuffer.isView(value)) return `[${value.constructor.name} of ${value.byteLength} bytes]`;
  if (walk.ancestors.length >= walk.limits.depth) return '[Truncated]';
  walk.ancestors.push(value);
  try {
    const json = readSafely(() => (hasToJson(value) ? value.toJSON() : value));
    if (json !== value) return copyValue(json, walk);
    if (Array.isArray(value)) return copyArray(value, walk);
    if (value instanceof Set) return copyArray([...value], walk);
    return copyEntries(value, walk);
  } catch {
    // An exotic object (a proxy, an iterator that throws) that cannot be walked.
    return '[Threw]';
  } finally {
    walk.ancestors.pop();
  }
}

function hasToJson(value: object): value is { toJSON: () => unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

function copyArray(items: readonly unknown[], walk: Walk): unknown[] {
  const copy = items.slice(0, walk.limits.entries).map((item) => copyValue(item, walk) ?? null);
  if (items.length > copy.length) copy.push(`[${items.length - copy.length} more]`);
  return copy;
}

function copyEntries(value: object, walk: Walk): Record<string, unknown> {
  const source = value instanceof Map ? (Object.fromEntries(value as Map<string, unknown>) as object) : value;
  const keys = readSafely(() => Object.keys(source));
  const copy: Record<string, unknown> = {};
  if (!Array.isArray(keys)) return copy;
  for (const key of keys.slice(0, walk.limits.entries) as string[]) {
    if (walk.left <= 0) return { ...copy, '…': '[Truncated]' };
    walk.left -= key.length + 2;
    copy[key] = copyValue(
      readSafely(() => (source as Record<string, unknown>)[key]),
      walk,
    );
  }
  if (keys.length > walk.limits.entries) copy['…'] = `[${keys.length - walk.limits.entries} more]`;
  return copy;
}
