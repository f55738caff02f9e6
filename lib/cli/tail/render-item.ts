import { isRecord } from '../../config/option-rules.js';

/** What is printed, and what is left out. */
export interface Selection {
  /** Lines below it are left out, by pino's names. */
  readonly level: string;
  /** Lines and traces of other services are left out; undefined: all. */
  readonly service: string | undefined;
  readonly colours: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
const COLOURS: Readonly<Record<string, string>> = { warn: '33', error: '31', fatal: '1;31', FAILED: '31' };
const DIM = '2';
const SHORT_ID = 8;
const MAX_REMEMBERED = 1_000;
// Data must not contain escape sequences of a terminal.
const CONTROL = /[^\P{Cc}\t\n]/gu;

/** Returns a function that renders an item of the stream of a page; undefined for what is not printed. */
export function createRenderer(selection: Selection): (item: unknown) => string | undefined {
  const printed = new Set<string>();
  return (item) => {
    if (!isRecord(item)) return undefined;
    if (item.type === 'log' && isRecord(item.log)) return renderLog(item.log, selection);
    if (item.type !== 'trace' || !isRecord(item.trace)) return undefined;
    // A trace is sent again when more of it is stored.
    const traceId = text(item.trace.traceId);
    if (printed.has(traceId)) return undefined;
    const line = renderTrace(item.trace, selection);
    if (line === undefined) return undefined;
    if (printed.size >= MAX_REMEMBERED) printed.clear();
    printed.add(traceId);
    return line;
  };
}

function renderLog(log: Fields, { level, service, colours }: Selection): string | undefined {
  const own = text(log.level);
  if (rank(own) < rank(level) || (service !== undefined && log.service !== service)) return undefined;
  const context = typeof log.context === 'string' ? `[${log.context}] ` : '';
  const fields = isRecord(log.attributes) ? renderFields(log.attributes) : '';
  const ids = typeof log.traceId === 'string' ? ` trace:${log.traceId.slice(0, SHORT_ID)}` : '';
  const head = `${timeOf(log.time)} ${own.toUpperCase().padEnd(6)} ${text(log.service)} `;
  return (
    paint(escape(head), COLOURS[own], colours) +
    escape(`${context}${text(log.message)}`) +
    paint(escape(`${fields}${ids}`), DIM, colours)
  );
}

function renderTrace(trace: Fields, { service, colours }: Selection): string | undefined {
  const services = Array.isArray(trace.services) ? trace.services : [trace.service];
  const hasEnded = trace.state === undefined || trace.state === null;
  if (!hasEnded || !(Number(trace.errorCount) > 0)) return undefined;
  if (service !== undefined && !services.includes(service)) return undefined;
  const status = typeof trace.status === 'string' ? ` ${trace.status}` : '';
  const took = `${Number(trace.durationMs).toFixed(Number(trace.durationMs) < 10 ? 1 : 0)} ms`;
  const end = Number(trace.start) + Number(trace.durationMs);
  const head = `${timeOf(end)} FAILED ${text(trace.service)} `;
  return (
    paint(escape(head), COLOURS.FAILED, colours) +
    escape(`${text(trace.name)}${status} after ${took}`) +
    paint(escape(` trace:${text(trace.traceId)}`), DIM, colours)
  );
}

function renderFields(attributes: Fields): string {
  return Object.entries(attributes)
    .filter(([key]) => !key.startsWith('exception.') && !key.startsWith('code.'))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}

function timeOf(milliseconds: unknown): string {
  const date = new Date(Number(milliseconds));
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits);
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** Levels that are not known are printed. */
function rank(level: string): number {
  const index = LEVELS.findIndex((each) => each === level);
  return index < 0 ? LEVELS.length : index;
}

function paint(content: string, code: string | undefined, colours: boolean): string {
  return !colours || code === undefined || content === '' ? content : `\u001b[${code}m${content}\u001b[0m`;
}

function escape(content: string): string {
  return content.replaceAll(
    CONTROL,
    (character) => String.raw`\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
