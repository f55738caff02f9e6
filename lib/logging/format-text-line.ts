import { nameSeverity } from './name-severity.js';
import { type LogLine } from './parse-log-line.js';
import { ownProperties, renderStack } from './serialize-error.js';

const INDENT = '    ';
// Escape sequences of a terminal must not come out of data: the C0 and C1 ranges but tab and newline.
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * The line for a human, ending in a newline:
 * `INFO - Processing request [trace:<32 hex>] [span:<16 hex>] [OrderService] id=42`, then the stack of an error and of
 * its causes, indented.
 */
export function formatTextLine(line: LogLine): string {
  const parts = [`${nameSeverity(line.level).label} - ${indent(line.message)}`];
  if (line.traceId !== undefined) parts.push(`[trace:${line.traceId}]`);
  if (line.spanId !== undefined) parts.push(`[span:${line.spanId}]`);
  if (line.context !== undefined) parts.push(`[${line.context}]`);
  for (const [key, value] of Object.entries(line.fields)) {
    if (value !== undefined && !isRequestNumber(key, line)) parts.push(`${key}=${formatValue(value)}`);
  }
  if (line.error !== undefined) {
    for (const [key, value] of Object.entries(ownProperties(line.error)))
      parts.push(`${key}=${formatValue(value)}`);
  }
  const head = parts.join(' ');
  const text = line.error === undefined ? head : `${head}\n${INDENT}${indent(renderStack(line.error))}`;
  return `${text.replace(CONTROL, escapeControl)}\n`;
}

/** pino-http numbers requests from 1; beside a trace id that number says nothing. */
function isRequestNumber(key: string, line: LogLine): boolean {
  return key === 'reqId' && line.traceId !== undefined;
}

function indent(text: string): string {
  return text.includes('\n') ? text.replace(/\r?\n/g, `\n${INDENT}`) : text;
}

function formatValue(value: unknown): string {
  if (typeof value === 'string' && value !== '' && !/[\s"=]/.test(value)) return value;
  return JSON.stringify(value);
}

function escapeControl(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
