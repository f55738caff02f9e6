import { isError } from '../errors/telemetry.error.js';
import { type RedactionPolicy } from './redaction-policy.js';

/** How values that have their own form are treated. */
export interface NestedValues {
  /** Writes an error out. Default: errors are left alone. */
  readonly writeError?: (error: object) => unknown;
}

const MAX_DEPTH = 10;
/** Values of one call, at all levels. */
const MAX_VALUES = 20_000;

interface Walk {
  readonly policy: RedactionPolicy;
  readonly writeError: ((error: object) => unknown) | undefined;
  readonly ancestors: object[];
  left: number;
}

/** See `RedactionPolicy.nested()`. */
export function redactNested(value: unknown, policy: RedactionPolicy, options: NestedValues = {}): unknown {
  return walk(value, undefined, { policy, writeError: options.writeError, ancestors: [], left: MAX_VALUES });
}

function walk(value: unknown, key: string | undefined, state: Walk): unknown {
  const type = typeof value;
  if (type === 'string' || type === 'number') return state.policy.primitive(key, value as string | number);
  if (type !== 'object' || value === null) return value;
  try {
    return walkObject(value as object, key, state);
  } catch {
    // A getter, a proxy or toJSON() throws: no writer could read the value either.
    return '[Threw]';
  }
}

function walkObject(value: object, key: string | undefined, state: Walk): unknown {
  const { ancestors } = state;
  if (ancestors.includes(value)) return '[Circular]';
  state.left -= 1;
  if (ancestors.length >= MAX_DEPTH || state.left <= 0) return '[Truncated]';
  if (ArrayBuffer.isView(value) || value instanceof Date) return value;
  ancestors.push(value);
  try {
    if (isError(value)) return state.writeError === undefined ? value : state.writeError(value);
    if (Array.isArray(value)) return walkArray(value, state);
    const json = hasToJson(value) ? value.toJSON(key) : value;
    if (json !== value) return walk(json, key, state);
    return value instanceof Map || value instanceof Set
      ? walkCollection(value, state)
      : walkEntries(value, state);
  } finally {
    ancestors.pop();
  }
}

function hasToJson(value: object): value is { toJSON: (key: string | undefined) => unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

function walkArray(items: readonly unknown[], state: Walk): unknown {
  let copy: unknown[] | undefined;
  for (const [index, item] of items.entries()) {
    state.left -= 1;
    if (state.left <= 0) return [...(copy ?? items.slice(0, index)).slice(0, index), '[Truncated]'];
    // `rawHeaders` and command lines: the name of a secret, and then the secret.
    const name: unknown = index > 0 ? items[index - 1] : undefined;
    const secret =
      typeof name === 'string' && typeof item === 'string' && namesNext(name)
        ? state.policy.ofSecretKey(name.replace(/^--/, ''), item)
        : undefined;
    const kept = secret ?? walk(item, undefined, state);
    if (kept !== item) (copy ??= [...items])[index] = kept;
  }
  return copy ?? items;
}

/** Header names and long options, not every list of words. */
function namesNext(name: string): boolean {
  return /^(?:--[a-z][\w-]*|(?:proxy-)?authorization|cookie|set-cookie|x-[\w-]+)$/i.test(name);
}

function walkEntries(value: object, state: Walk): unknown {
  const source = value as Readonly<Record<string, unknown>>;
  const { policy } = state;
  let copy: Record<string, unknown> | undefined;
  const named = namedSecret(source, policy);
  for (const key of Object.keys(source)) {
    state.left -= 1;
    if (state.left <= 0) return { ...copy, '…': '[Truncated]' };
    const item = source[key];
    const kept =
      policy.ofSecretKey(key, item) ??
      (named !== undefined && VALUE_KEYS.has(key) ? policy.ofSecretKey(named, item) : undefined) ??
      walk(item, key, state);
    if (kept !== item) (copy ??= { ...source })[key] = kept;
  }
  return copy ?? value;
}

const VALUE_KEYS = new Set(['value', 'values', 'received', 'input', 'target']);

/** `{ name: 'password', value: '…' }`: entries of forms, headers, validation errors. */
function namedSecret(source: Readonly<Record<string, unknown>>, policy: RedactionPolicy): string | undefined {
  for (const key of ['name', 'key', 'field', 'property', 'header']) {
    const name = source[key];
    if (typeof name === 'string' && name.length <= 256 && policy.isSecretKey(name)) return name;
  }
  return undefined;
}

/** JSON writes `{}` for both; the text form of a line shows what is in them. */
function walkCollection(value: Map<unknown, unknown> | Set<unknown>, state: Walk): unknown {
  if (value instanceof Set) return new Set(walkArray([...value], state) as unknown[]);
  return new Map(
    [...value].map(([key, item]) => {
      const secret = typeof key === 'string' ? state.policy.ofSecretKey(key, item) : undefined;
      return [key, secret ?? walk(item, typeof key === 'string' ? key : undefined, state)];
    }),
  );
}
