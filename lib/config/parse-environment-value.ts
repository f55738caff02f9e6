import { type KindValues, type VariableKind } from './environment-variable.interface.js';
import { isHeaderName, isHeaderValue } from './header-syntax.js';
import { parseJaegerEndpoint } from './parse-jaeger-endpoint.js';
import { parseKeyValueList } from './parse-key-value-list.js';
import { parseOtlpEndpoint } from './parse-otlp-endpoint.js';
import { type Parsed } from './parsed.interface.js';

const PLAIN_PARSERS: { readonly [K in keyof KindValues]: (text: string) => Parsed<KindValues[K]> } = {
  text: (text) => ({ value: text }),
  boolean: parseBoolean,
  ratio: parseRatio,
  otlpEndpoint: parseOtlpEndpoint,
  jaegerEndpoint: parseJaegerEndpoint,
  headers: parseHeaders,
  attributes: parseKeyValueList,
};

/** Reads the text of a variable as its kind says; `text` is trimmed and not empty. */
export function parseEnvironmentValue(text: string, variable: VariableKind): Parsed<unknown> {
  switch (variable.kind) {
    case 'integer':
      return parseInteger(text, variable.min, variable.max ?? Number.MAX_SAFE_INTEGER);
    case 'choice':
      return parseChoice(text, variable.choices);
    case 'list':
      return parseList(text, variable.choices);
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
  const remedy = `Left out: ${unknown.join(', ')}. Known here are ${choices.join(', ')}.`;
  return known.length === 0 ? { remedy } : { value, remedy };
}

function parseHeaders(text: string): Parsed<Readonly<Record<string, string>>> {
  const parsed = parseKeyValueList(text);
  if (parsed.value === undefined) return parsed;
  const sendable = Object.entries(parsed.value).every(
    ([name, value]) => isHeaderName(name) && isHeaderValue(value),
  );
  return sendable
    ? parsed
    : { remedy: 'Write names and values that HTTP allows in a header: no line breaks or spaces in names.' };
}
