import { badRequest } from '../http/dashboard-error.js';
import { type RunningTraceAnswer } from '../reader/answers/traces.interface.js';
import { FIELD_OPERATORS, type FieldFilter, parseCondition } from '../reader/field-filter.js';
import { type ProcessChoice, type TelemetryReader, type TimeRange } from '../reader/telemetry-reader.interface.js';
import { type Steps } from '../steps.js';

/** What the query of a panel gets: the database, and what the visitor asks. */
export interface Question {
  readonly reader: TelemetryReader;
  /** Runs CPU work in steps, in turns with the questions. */
  readonly work: <T>(steps: Steps<T>) => Promise<T>;
  /** What runs in this process and has not ended, the longest first. */
  readonly running: () => readonly RunningTraceAnswer[];
  readonly query: QueryParameters;
  /** Variable parts of the path, by name. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborts when the visitor has left or the time for an answer is over. Pass it to the reader. */
  readonly signal: AbortSignal;
}

/** Later instants are mistakes: microseconds, or nanoseconds. */
const MAX_TIME = 8_640_000_000_000_000;
const MAX_TEXT = 1_000;
/** Each word is a lookup in the index, and SQLite cannot be interrupted meanwhile. */
const MAX_WORDS = 20;
const MAX_SEARCH = 256;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DEFAULT_SPAN_MS = 15 * 60_000;

/** Reads the parameters of a query. Each method throws a DashboardError 400 that names the parameter and what it may be. */
export class QueryParameters {
  constructor(private readonly parameters: URLSearchParams) {}

  /** `undefined` when it is missing or empty. */
  text(name: string): string | undefined {
    const value = this.parameters.get(name);
    if (value === null || value === '') return undefined;
    return checkText(value, name);
  }

  /** Text of a search: at most 256 characters and 20 words. */
  search(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (value.length > MAX_SEARCH)
      throw badRequest(`${name} has ${value.length} characters; at most ${MAX_SEARCH} are searched for.`);
    const words = value.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
    if (words > MAX_WORDS)
      throw badRequest(`${name} has ${words} words; at most ${MAX_WORDS} are searched for.`);
    return value;
  }

  integer(name: string, min: number, max: number, otherwise: number): number {
    const value = this.number(name, min, max);
    if (value === undefined) return otherwise;
    if (!Number.isInteger(value)) throw badRequest(`${name} must be a whole number.`);
    return value;
  }

  number(name: string, min = -Infinity, max = Infinity): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!NUMBER.test(text) || !Number.isFinite(value) || value < min || value > max)
      throw badRequest(`${name} must be a number${rangeOf(min, max)}; it is ${JSON.stringify(text)}.`);
    return value;
  }

  /** `version`, `environment` and `process`, each only if it is given. */
  processes(): ProcessChoice {
    const [version, environment, process] = ['version', 'environment', 'process'].map((name) =>
      this.text(name),
    );
    return { version, environment, process };
  }

  /** `from` and `to`; the last 15 minutes when neither is given. */
  range(now = Date.now()): TimeRange {
    const to = this.number('to', 0, MAX_TIME) ?? now;
    const from = this.number('from', 0, MAX_TIME) ?? to - DEFAULT_SPAN_MS;
    if (from >= to) throw badRequest('from must be before to; both are milliseconds since the epoch.');
    return { from, to };
  }

  /** `from` and `to`, each only if it is given: a search by id covers all times. */
  partialRange(): Partial<TimeRange> {
    const from = this.number('from', 0, MAX_TIME);
    const to = this.number('to', 0, MAX_TIME);
    if (from !== undefined && to !== undefined) this.range();
    return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const choice = choices.find((each) => each === text);
    if (choice === undefined)
      throw badRequest(`${name} must be one of ${choices.join(', ')}; it is ${JSON.stringify(text)}.`);
    return choice;
  }

  /** True for `true`, `1` and a name without value; false when it is missing. */
  flag(name: string): boolean {
    const value = this.parameters.get(name);
    if (value === null || value === 'false' || value === '0') return false;
    if (value === 'true' || value === '1' || value === '') return true;
    throw badRequest(`${name} must be true or false; it is ${JSON.stringify(value)}.`);
  }

  /** Every `key:value` of that name; the value may contain colons. */
  fields(name: string, max = 10): readonly FieldFilter[] {
    const texts = this.parameters.getAll(name).filter((text) => text !== '');
    if (texts.length > max) throw badRequest(`${name} may be given ${max} times at most.`);
    return texts.map((text) => {
      const colon = text.indexOf(':');
      checkText(text, name);
      if (colon < 1)
        throw badRequest(`${name} must be written key:value; it is ${JSON.stringify(text.slice(0, 100))}.`);
      return { key: text.slice(0, colon), value: text.slice(colon + 1) };
    });
  }

  /** Every condition of that name: `key>=500`, `key exists`. */
  conditions(name: string, max = 10): readonly FieldFilter[] {
    const texts = this.parameters.getAll(name).filter((text) => text !== '');
    if (texts.length > max) throw badRequest(`${name} may be given ${max} times at most.`);
    return texts.map((text) => {
      const condition = parseCondition(checkText(text, name));
      if (condition !== undefined) return condition;
      throw badRequest(
        `${name} must be written key=value, with one of ${FIELD_OPERATORS.join(' ')} and a number after > and <; it is ${JSON.stringify(text.slice(0, 100))}.`,
      );
    });
  }

  /** A trace id. */
  traceId(name: string): string {
    return readTraceId(this.parameters.get(name) ?? '', name);
  }
}

/** @throws DashboardError 400 when it is not a trace id */
export function readTraceId(text: string, name = 'The trace id'): string {
  if (!/^[\da-f]{32}$/i.test(text)) throw badRequest(`${name} must be 32 hexadecimal digits.`);
  return text.toLowerCase();
}

/** SQLite takes NUL for the end of a text. */
function checkText(text: string, name: string): string {
  if (text.length > MAX_TEXT) throw badRequest(`${name} is longer than ${MAX_TEXT} characters.`);
  if (text.includes('\0')) throw badRequest(`${name} must not contain the character NUL.`);
  return text;
}

function rangeOf(min: number, max: number): string {
  if (min === -Infinity && max === Infinity) return '';
  if (max === Infinity || max === MAX_TIME) return ` of at least ${min}`;
  return min === -Infinity ? ` of at most ${max}` : ` from ${min} to ${max}`;
}
