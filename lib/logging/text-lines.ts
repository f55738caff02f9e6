import { ownProperties, renderStack } from '../engine/describe-error.js';
import type { LogEntry } from './log-entry.js';
import { nameSeverity } from './log-entry.js';

const INDENT = '    ';
// Data must not contain escape sequences of a terminal: C0 and C1 but tab and newline.
const CONTROL = /[^\P{Cc}\t\n]/gu;

/**
 * The line in the form of the reference module: `INFO - Processing request [trace:<32 hex>]
 * [span:<16 hex>] [OrderService] id=42`, then the stacks of an error and its causes, indented.
 */
export function formatTextLine(entry: LogEntry): string {
  const parts = [`${nameSeverity(entry.level).label} - ${indent(entry.message)}`];
  if (entry.traceId !== undefined) parts.push(`[trace:${entry.traceId}]`);
  if (entry.spanId !== undefined) parts.push(`[span:${entry.spanId}]`);
  if (entry.context !== undefined) parts.push(`[${entry.context}]`);
  parts.push(...fieldsOf(entry));
  return `${escape(parts.join(' ') + stackOf(entry))}\n`;
}

/** Colours of a terminal as in NestJS's console logger, by pino's level divided by ten. */
const COLOURS = ['96', '96', '95', '32', '33', '31', '1;31'] as const;
const NEST_LABELS = ['VERBOSE', 'VERBOSE', 'DEBUG', 'LOG', 'WARN', 'ERROR', 'FATAL'] as const;
const YELLOW = '38;5;3';
const DIM = '2';
/** Enough characters to find a trace by. */
const SHORT_ID = 8;
/** Fields that are part of the message of a request line. */
const REQUEST_FIELDS = new Set(['method', 'route', 'status', 'duration_ms', 'aborted']);

export interface PrettyOptions {
  readonly serviceName: string;
  readonly colours: boolean;
}

/**
 * Returns a formatter of lines for a terminal, as NestJS's console logger writes them: `[orders]
 * 4023  - 11/28/2026, 9:44:02 AM     LOG [OrderService] order read id=42 trace:4bf92f35
 * span:00f067aa +3ms`.
 */
export function createPrettyFormatter({ serviceName, colours }: PrettyOptions): (entry: LogEntry) => string {
  const twoDigits = { month: '2-digit', day: '2-digit' } as const;
  const numeric = { year: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  const time = new Intl.DateTimeFormat(undefined, { ...numeric, ...twoDigits });
  const paint = (code: string, text: string): string =>
    !colours || text === '' ? text : `\u001b[${code}m${text}\u001b[0m`;
  let last: number | undefined;
  return (entry) => {
    const step = Math.min(COLOURS.length - 1, Math.max(0, Math.floor(entry.level / 10)));
    const colour = COLOURS[step] ?? COLOURS[0];
    const label = (NEST_LABELS[step] ?? '').padStart(7);
    const passed = last === undefined ? '' : `+${Math.max(0, entry.time - last)}ms`;
    last = entry.time;
    const context = entry.context === undefined ? '' : escape(`[${entry.context}]`);
    const ids = [shortId('trace', entry.traceId), shortId('span', entry.spanId)];
    const details = escape([...fieldsOf(withoutRepetition(entry)), ...ids].filter(Boolean).join(' '));
    const head = [
      paint(colour, `[${serviceName}] ${process.pid}  -`),
      time.format(entry.time),
      paint(colour, label),
      paint(YELLOW, context),
      paint(colour, escape(indent(entry.message))),
      paint(DIM, details),
      paint(YELLOW, passed),
    ];
    return `${head.filter((part) => part !== '').join(' ')}${paint(DIM, escape(stackOf(entry)))}\n`;
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

function withoutRepetition(entry: LogEntry): LogEntry {
  if (entry.context !== 'HTTP' || !('duration_ms' in entry.fields)) return entry;
  const { route, path } = entry.fields;
  const kept = Object.entries(entry.fields).filter(
    ([key]) => !REQUEST_FIELDS.has(key) && (key !== 'path' || (route !== undefined && route !== path)),
  );
  return { ...entry, fields: Object.fromEntries(kept) };
}

function fieldsOf(entry: LogEntry): string[] {
  const { context, error, traceId } = entry;
  const fields = Object.entries(entry.fields).filter(
    ([key, value]) =>
      value !== undefined &&
      !(key === 'context' && context !== undefined) &&
      // pino-http numbers requests from 1, which is of no use beside a trace id.
      !(key === 'reqId' && traceId !== undefined),
  );
  if (error !== undefined) fields.push(...Object.entries(ownProperties(error)));
  return fields.map(([key, value]) => `${key}=${formatValue(value)}`);
}

function stackOf({ error }: LogEntry): string {
  return error === undefined ? '' : `\n${INDENT}${indent(renderStack(error))}`;
}

function escape(text: string): string {
  return text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function indent(text: string): string {
  return text.includes('\n') ? text.replace(/\r?\n/g, `\n${INDENT}`) : text;
}

function formatValue(value: unknown): string {
  if (typeof value === 'string' && value !== '' && !/[\s"=]/.test(value)) return value;
  return JSON.stringify(value);
}
