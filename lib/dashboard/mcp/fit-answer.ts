import { cutText } from '../panels/prompt/markdown.js';

/** About how long the text of an answer is at most, in bytes: agents pay for each. */
export const ANSWER_BYTES = 8_000;

/** Values that are of use only in full. */
const WHOLE = new Set(['traceId', 'spanId', 'fingerprint', 'next']);
const LONGEST_WHOLE = 100;
const LONGEST_NAME = 100;
const MAX_DEPTH = 4;

/** Longest text and number of entries of an item, from generous to bare. */
const STEPS = [
  { text: 2_000, entries: 40 },
  { text: 800, entries: 30 },
  { text: 300, entries: 20 },
  { text: 120, entries: 12 },
  { text: 60, entries: 10 },
  { text: 30, entries: 6 },
  { text: 20, entries: 3 },
] as const;

type Step = (typeof STEPS)[number];

type Item = Readonly<Record<string, unknown>>;

/** A page of items as JSON, of about `ANSWER_BYTES` at most: where they are too long, the texts of each are cut. */
export function writePage(name: string, items: readonly Item[], rest: Item = {}): string {
  const budget = ANSWER_BYTES / Math.max(1, items.length);
  return JSON.stringify({ [name]: items.map((item) => fit(item, budget)), ...rest });
}

/** A value of which the JSON has at most about `bytes`: texts, lists and objects are cut, and say so. */
export function fit(item: Item, bytes: number): Item {
  let cut: Item = item;
  for (const step of STEPS) {
    cut = cutObject(item, step, 0, Infinity);
    if (Buffer.byteLength(JSON.stringify(cut)) <= bytes) break;
  }
  return cut;
}

/** Whatever is stored: attributes come from other services too. */
function cutValue(value: unknown, name: string, step: Step, depth: number): unknown {
  if (typeof value === 'string') return cutText(value, WHOLE.has(name) ? LONGEST_WHOLE : step.text);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (!Array.isArray(value)) return cutObject(value as Item, step, depth, step.entries);
  const kept = value.slice(0, step.entries).map((each: unknown) => cutValue(each, '', step, depth + 1));
  return value.length > step.entries ? [...kept, `… ${value.length - step.entries} more`] : kept;
}

/** @param entries how many are kept; the fields of an item itself are few and known */
function cutObject(item: Item, step: Step, depth: number, entries: number): Item {
  const all = Object.entries(item).filter(([, value]) => value !== undefined);
  // The names of the item itself are ours.
  const nameLength = depth === 0 ? LONGEST_NAME : Math.min(step.text, LONGEST_NAME);
  const kept = all
    .slice(0, entries)
    .map(([name, value]) => [cutText(name, nameLength), cutValue(value, name, step, depth + 1)]);
  if (all.length > entries) kept.push(['…', `${all.length - entries} more`]);
  return Object.fromEntries(kept) as Item;
}

/** Three decimals at most: more are noise. */
export const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
