import { type Attributes } from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';

import { type ListedAttributes } from '../../engine/span-view.js';
import { getOrAdd } from '../get-or-add.js';
import { describeResource } from '../sqlite/describe-rows.js';
import { type StoredResource } from '../sqlite/rows.interface.js';

/** Longer texts are cut: a reader gains nothing from the rest. */
const MAX_TEXT = 16_384;
/** Keys are few, and the same again and again. */
const MAX_KEYS = 2_000;

const keys = new Map<string, string>();
const frozen = new WeakMap<object, string>();

/** The text of a JSON object with the attributes in the list. */
export function listAsJson(list: ListedAttributes | undefined): string {
  if (list === undefined) return '{}';
  const { base, entries } = list;
  let text = base === undefined ? '' : frozenMembers(base);
  for (let index = 0; index < entries.length; index += 2) {
    const member = keyAsJson(entries[index] as string) + valueAsJson(entries[index + 1]);
    text = text === '' ? member : `${text},${member}`;
  }
  return `{${text}}`;
}

/** The text of a JSON object; `without` names a member that is left out. */
export function recordAsJson(record: Readonly<Record<string, unknown>>, without?: string): string {
  return `{${membersOf(record, without)}}`;
}

/** The text of a JSON object whose members are sorted, so that equal attributes give equal texts. */
export function sortedAsJson(attributes: Attributes): string {
  const sorted: Attributes = {};
  for (const key of Object.keys(attributes).sort()) sorted[key] = attributes[key];
  return recordAsJson(sorted);
}

function frozenMembers(base: Readonly<Attributes>): string {
  return getOrAdd(frozen, base, () => membersOf(base));
}

function membersOf(record: Readonly<Record<string, unknown>>, without?: string): string {
  let text = '';
  for (const key in record) {
    if (!Object.hasOwn(record, key) || key === without) continue;
    const value = record[key];
    if (value === undefined) continue;
    const member = keyAsJson(key) + valueAsJson(value);
    text = text === '' ? member : `${text},${member}`;
  }
  return text;
}

function keyAsJson(key: string): string {
  let text = keys.get(key);
  if (text === undefined) {
    text = `${JSON.stringify(key)}:`;
    if (keys.size < MAX_KEYS) keys.set(key, text);
  }
  return text;
}

function valueAsJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}…`);
    case 'number':
      // JSON has no words for these.
      return Number.isFinite(value) ? String(value) : `"${String(value)}"`;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return `"${String(value)}"`;
    default:
      return nestedAsJson(value);
  }
}

function nestedAsJson(value: unknown): string {
  // Typed loosely in its definition: a function or symbol gives undefined.
  const text = JSON.stringify(value, simplify) as string | undefined;
  if (text === undefined) return 'null';
  return text.length <= 4 * MAX_TEXT ? text : JSON.stringify(`${text.slice(0, MAX_TEXT)}…`);
}

function simplify(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

const known = new WeakMap<Resource, StoredResource>();

/** The resource as the store knows it; the same object for the same resource. */
export function storedResourceOf(resource: Resource): StoredResource {
  return getOrAdd(known, resource, () => {
    const { attributes } = resource;
    return describeResource((key) => attributes[key], recordAsJson(attributes));
  });
}
