import { type Attributes, type Span } from '@opentelemetry/api';

import { clipText } from '../recording/copy-bounded.js';
import { nameSeverity } from './name-severity.js';
import { type LineContent } from './parse-log-line.js';
import { ownProperties, renderStack } from './serialize-error.js';

const MAX_FIELDS = 40;
const MAX_ERROR_PROPERTIES = 10;
const MAX_TEXT = 1_024;
const MAX_STACK = 8_192;
const MAX_DEPTH = 3;

/**
 * Puts the line on `span` as an event named `log`, which Jaeger shows among the span's logs. Small on purpose: a span
 * that outgrows one UDP packet (65,000 bytes) is lost as a whole.
 */
export function addSpanEvent(span: Span, line: LineContent): void {
  const attributes: Attributes = {
    'log.severity': nameSeverity(line.level).text,
    'log.message': clipText(line.message, MAX_TEXT),
  };
  if (line.context !== undefined) attributes['log.context'] = line.context;
  if (line.error !== undefined) {
    attributes['exception.type'] = line.error.type;
    attributes['exception.message'] = clipText(line.error.message, MAX_TEXT);
    attributes['exception.stacktrace'] = clipText(renderStack(line.error), MAX_STACK);
    flatten(ownProperties(line.error), 'err.', attributes, 1, MAX_ERROR_PROPERTIES);
  }
  flatten(line.fields, '', attributes, 0, MAX_FIELDS);
  span.addEvent('log', attributes, line.time);
}

function flatten(
  fields: Readonly<Record<string, unknown>>,
  prefix: string,
  into: Attributes,
  depth: number,
  room: number,
): number {
  let left = room;
  for (const key in fields) {
    if (left <= 0) return 0;
    const value = fields[key];
    if (isRecord(value) && depth < MAX_DEPTH)
      left = flatten(value, `${prefix}${key}.`, into, depth + 1, left);
    else if (value !== null && value !== undefined && into[prefix + key] === undefined) {
      into[prefix + key] = toAttribute(value);
      left -= 1;
    }
  }
  return left;
}

function toAttribute(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return clipText(typeof value === 'string' ? value : JSON.stringify(value), MAX_TEXT);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
