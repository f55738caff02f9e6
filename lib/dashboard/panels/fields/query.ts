import { type Question } from '../../api/question.js';
import { getOrAdd } from '../../get-or-add.js';
import { type JsonAttributes } from '../../reader/answers/answer-parts.interface.js';
import { type Steps } from '../../steps.js';

/** An attribute or field and its latest values, the most frequent first. */
export interface FieldAnswer {
  readonly key: string;
  readonly values: readonly string[];
}

/** Addresses of the panel, and their answers. */
export interface FieldsApi {
  readonly 'GET fields': readonly FieldAnswer[];
}

/** Of so many of the newest traces or lines. */
const LATEST_TRACES = 50;
const LATEST_LINES = 500;
/** Of all traces together; those that would exceed it are left out. */
const MAX_SPANS = 20_000;
const MAX_KEYS = 200;
const MAX_VALUES = 20;
/** Longer values are texts, not categories. */
const MAX_VALUE = 100;

/** Attributes of spans, or fields of log lines, to be offered as filters. */
export async function askFields({ reader, work, query, signal }: Question): Promise<readonly FieldAnswer[]> {
  const choice = { ...query.processes(), service: query.text('service') };
  if (query.choice('of', ['traces', 'logs']) === 'logs') {
    const { items } = await reader.logs({ ...choice, limit: LATEST_LINES }, { signal });
    return work(countFields(items.map(({ attributes }) => attributes)));
  }
  const { items } = await reader.traces({ ...choice, limit: LATEST_TRACES }, { signal });
  let left = MAX_SPANS;
  const traceIds: string[] = [];
  for (const { traceId, spanCount } of items) {
    if (spanCount > left) continue;
    left -= spanCount;
    traceIds.push(traceId);
  }
  const spans = await reader.spans(traceIds, { signal });
  return work(countFields([...spans.values()].flat().map(({ attributes }) => attributes)));
}

function* countFields(all: readonly JsonAttributes[]): Steps<readonly FieldAnswer[]> {
  const fields = new Map<string, Map<string, number>>();
  for (const [index, attributes] of all.entries()) {
    for (const [key, value] of Object.entries(attributes)) {
      if (fields.size >= MAX_KEYS && !fields.has(key)) continue;
      const values = getOrAdd(fields, key, () => new Map<string, number>());
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      if (text.length <= MAX_VALUE) values.set(text, (values.get(text) ?? 0) + 1);
    }
    if (index % 100 === 99) yield;
  }
  return [...fields]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, values]) => ({
      key,
      values: [...values]
        .sort(([, a], [, b]) => b - a)
        .slice(0, MAX_VALUES)
        .map(([value]) => value),
    }));
}
