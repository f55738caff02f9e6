import type { ConfigurationProblem } from '../errors/telemetry.error.js';
import type { Parsed } from './endpoints.js';
import { HIDDEN, renderEndpoint, renderReceived } from './option-rules.js';

/** What each plain kind of variable is read into. */
interface KindValues {
  text: string;
  boolean: boolean;
  /** 0 to 1. */
  ratio: number;
  /** `key=value` pairs whose values are secrets. */
  headers: Readonly<Record<string, string>>;
  /** `key=value` pairs. */
  attributes: Readonly<Record<string, string>>;
}

/** How the text of a variable is read. */
type VariableKind =
  | { readonly kind: keyof KindValues }
  | { readonly kind: 'integer'; readonly min: number; readonly max?: number }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Comma separated; `none` empties the list. */
  | { readonly kind: 'list'; readonly choices: readonly string[] }
  | { readonly kind: 'endpoint'; readonly parse: (text: string) => Parsed<unknown> };

/** One environment variable: how it is read, and its row in docs/configuration.md. */
export type EnvironmentVariable = VariableKind & {
  /** Default: the text of the option that it sets. */
  readonly meaning?: string;
  /** What applies when the variable is not set, in words. Default: the default of the option that it sets. */
  readonly otherwise?: string;
};

/** The type a variable is read into. */
export type VariableValue<V> = V extends { kind: 'integer' }
  ? number
  : V extends { kind: 'choice'; choices: readonly (infer C)[] }
    ? C
    : V extends { kind: 'list'; choices: readonly (infer C)[] }
      ? readonly Exclude<C, 'none'>[]
      : V extends { kind: 'endpoint'; parse: (text: string) => Parsed<infer P> }
        ? P
        : V extends { kind: infer K extends keyof KindValues }
          ? KindValues[K]
          : never;

/** The values of variables, and every problem with them. */
export interface EnvironmentReading {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly ConfigurationProblem[];
}

/** Reads `variables` from `env`. An empty one counts as not set, a wrong one is left out. */
export function readEnvironment(
  env: NodeJS.ProcessEnv,
  variables: Readonly<Record<string, EnvironmentVariable>>,
): EnvironmentReading {
  const values: Record<string, unknown> = {};
  const problems: ConfigurationProblem[] = [];
  for (const [name, variable] of Object.entries(variables)) {
    const text = env[name]?.trim();
    if (text === undefined || text === '') continue;
    const { value, remedy } = parseValue(text, variable);
    if (value !== undefined) values[name] = value;
    if (remedy !== undefined)
      problems.push({ name, received: renderVariable(variable, text), setIn: 'environment', remedy });
  }
  return { values, problems };
}

function renderVariable({ kind }: EnvironmentVariable, text: string): string {
  if (kind === 'headers') return HIDDEN;
  return kind === 'endpoint' ? renderEndpoint(text) : renderReceived(text);
}

const PLAIN_PARSERS: { readonly [K in keyof KindValues]: (text: string) => Parsed<KindValues[K]> } = {
  text: (text) => ({ value: text }),
  boolean: parseBoolean,
  ratio: parseRatio,
  headers: parseHeaders,
  attributes: parseKeyValueList,
};

/** Reads the text of a variable as its kind says; `text` is trimmed and not empty. */
function parseValue(text: string, variable: VariableKind): Parsed<unknown> {
  switch (variable.kind) {
    case 'integer':
      return parseInteger(text, variable.min, variable.max ?? Number.MAX_SAFE_INTEGER);
    case 'choice':
      return parseChoice(text, variable.choices);
    case 'list':
      return parseList(text, variable.choices);
    case 'endpoint':
      return variable.parse(text);
    default:
      return PLAIN_PARSERS[variable.kind](text);
  }
}

function parseBoolean(text: string): Parsed<boolean> {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return { value: lower === 'true' };
  return { remedy: 'Write true or false.' };
}

function parseRatio(text: string): Parsed<number> {
  const value = Number(text);
  if (value >= 0 && value <= 1) return { value };
  return { remedy: 'Write a number from 0 to 1, for example 0.1 for one trace in ten.' };
}

function parseInteger(text: string, min: number, max: number): Parsed<number> {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return { value };
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return { remedy: `Write a whole number ${range}.` };
}

function parseChoice(text: string, choices: readonly string[]): Parsed<string> {
  const value = choices.find((choice) => choice === text.toLowerCase());
  if (value !== undefined) return { value };
  if (choices.includes('traceidratio') && parseRatio(text).value !== undefined)
    return {
      remedy: `For a share write OTEL_TRACES_SAMPLER=parentbased_traceidratio and OTEL_TRACES_SAMPLER_ARG=${text}.`,
    };
  return { remedy: `Write one of ${choices.join(', ')}.` };
}

function parseList(text: string, choices: readonly string[]): Parsed<readonly string[]> {
  const names = text
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.filter((name) => !choices.includes(name));
  const known = [...new Set(names)].filter((name) => choices.includes(name));
  const value = known.includes('none') ? [] : known;
  if (unknown.length === 0) return { value };
  const remedy = `Ignored: ${unknown.join(', ')}. Known values: ${choices.join(', ')}.`;
  return known.length === 0 ? { remedy } : { value, remedy };
}

function parseHeaders(text: string): Parsed<Readonly<Record<string, string>>> {
  const parsed = parseKeyValueList(text);
  if (Object.entries(parsed.value ?? {}).every(([name, value]) => isHeaderName(name) && isHeaderValue(value)))
    return parsed;
  return {
    remedy: 'Write names and values that HTTP allows in a header: no line breaks or spaces in names.',
  };
}

/**
 * Reads `key=value,key2=value2` with percent-encoded values, the form of `OTEL_RESOURCE_ATTRIBUTES` and
 * `OTEL_EXPORTER_OTLP_HEADERS`. One wrong entry discards the whole list, as the specification asks.
 */
export function parseKeyValueList(text: string): Parsed<Readonly<Record<string, string>>> {
  const entries = new Map<string, string>();
  for (const [index, entry] of text.split(',').entries()) {
    if (entry.trim() === '') continue;
    const separator = entry.indexOf('=');
    const key = decode(entry.slice(0, Math.max(separator, 0)).trim());
    const value = decode(entry.slice(separator + 1).trim());
    if (separator < 1 || key === undefined || key === '')
      return { remedy: `Write key=value pairs separated by commas; entry ${index + 1} is none.` };
    if (value === undefined)
      return { remedy: `Percent-encode values (a % itself is %25); entry ${index + 1} cannot be decoded.` };
    entries.set(key, value);
  }
  return { value: Object.fromEntries(entries) };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A malformed escape is the caller's remedy to write, not ours to throw.
    return undefined;
  }
}

/** Whether `text` can be the name of an HTTP header. */
export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~\w]+$/.test(text);
}

/** Whether `text` can be sent as the value of an HTTP header. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
