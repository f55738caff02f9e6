import { nameSeverity } from './log-entry.js';
import type { LogLine } from './pino-line.js';
import { ownProperties, renderStack } from '../recording/describe-error.js';

const INDENT = '    ';
// Escape sequences of a terminal must not come out of data: the C0 and C1 ranges but tab and newline.
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * The line in the form of the reference module, ending in a newline:
 * `INFO - Processing request [trace:<32 hex>] [span:<16 hex>] [OrderService] id=42`, then the stack of an error and of
 * its causes, indented.
 */
export function formatTextLine(line: LogLine): string {
  const parts = [`${nameSeverity(line.level).label} - ${indent(line.message)}`];
  if (line.traceId !== undefined) parts.push(`[trace:${line.traceId}]`);
  if (line.spanId !== undefined) parts.push(`[span:${line.spanId}]`);
  if (line.context !== undefined) parts.push(`[${line.context}]`);
  parts.push(...fieldsOf(line));
  return `${escape(parts.join(' ') + stackOf(line))}\n`;
}

/** Colours of a terminal, by pino's level divided by ten; the same as NestJS's console logger has. */
const COLOURS = ['96', '96', '95', '32', '33', '31', '1;31'] as const;
const NEST_LABELS = ['VERBOSE', 'VERBOSE', 'DEBUG', 'LOG', 'WARN', 'ERROR', 'FATAL'] as const;
const YELLOW = '38;5;3';
const DIM = '2';
/** Enough to find a trace by, short enough to read past. */
const SHORT_ID = 8;
/** What the message of a request line says already. */
const REQUEST_FIELDS = new Set(['method', 'route', 'status', 'duration_ms', 'aborted']);

export interface PrettyOptions {
  readonly serviceName: string;
  readonly colours: boolean;
}

/**
 * Returns what writes lines for a terminal, as NestJS's console logger does:
 * `[orders] 4023  - 11/28/2026, 9:44:02 AM     LOG [OrderService] order read id=42 trace:4bf92f35 span:00f067aa +3ms`.
 */
export function createPrettyFormatter({ serviceName, colours }: PrettyOptions): (line: LogLine) => string {
  const time = new Intl.DateTimeFormat(undefined, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const paint = (code: string, text: string): string =>
    !colours || text === '' ? text : `\u001b[${code}m${text}\u001b[0m`;
  let last: number | undefined;
  return (line) => {
    const step = Math.min(COLOURS.length - 1, Math.max(0, Math.floor(line.level / 10)));
    const colour = COLOURS[step] ?? COLOURS[0];
    const label = (NEST_LABELS[step] ?? '').padStart(7);
    const passed = last === undefined ? '' : `+${Math.max(0, line.time - last)}ms`;
    last = line.time;
    const context = line.context === undefined ? '' : escape(`[${line.context}]`);
    const ids = [shortId('trace', line.traceId), shortId('span', line.spanId)];
    const details = escape([...fieldsOf(withoutRepetition(line)), ...ids].filter(Boolean).join(' '));
    const head = [
      paint(colour, `[${serviceName}] ${process.pid}  -`),
      time.format(line.time),
      paint(colour, label),
      paint(YELLOW, context),
      paint(colour, escape(indent(line.message))),
      paint(DIM, details),
      paint(YELLOW, passed),
    ];
    return `${head.filter((part) => part !== '').join(' ')}${paint(DIM, escape(stackOf(line)))}\n`;
  };
}

/** Whether a terminal gets colours: `NO_COLOR` and `FORCE_COLOR` decide, as everywhere in Node. */
export function usesColours(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  const { FORCE_COLOR: force } = env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal;
}

function shortId(name: string, id: string | undefined): string | undefined {
  return id === undefined ? undefined : `${name}:${id.slice(0, SHORT_ID)}`;
}

function withoutRepetition(line: LogLine): LogLine {
  if (line.context !== 'HTTP' || !('duration_ms' in line.fields)) return line;
  const { route, path } = line.fields;
  const kept = Object.entries(line.fields).filter(
    ([key]) => !REQUEST_FIELDS.has(key) && (key !== 'path' || (route !== undefined && route !== path)),
  );
  return { ...line, fields: Object.fromEntries(kept) };
}

function fieldsOf(line: LogLine): string[] {
  const own = line.error === undefined ? [] : Object.entries(ownProperties(line.error));
  return [
    ...Object.entries(line.fields).filter(
      ([key, value]) => value !== undefined && !isRequestNumber(key, line),
    ),
    ...own,
  ].map(([key, value]) => `${key}=${formatValue(value)}`);
}

function stackOf({ error }: LogLine): string {
  return error === undefined ? '' : `\n${INDENT}${indent(renderStack(error))}`;
}

function escape(text: string): string {
  return text.replace(CONTROL, escapeControl);
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
