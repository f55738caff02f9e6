import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_ERROR_TYPE,
  ATTR_FORMER_DEPLOYMENT_ENVIRONMENT,
  ATTR_HOST_NAME,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_STATUS_CODE,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_VERSION,
} from '../../config/semantic-conventions.constants.js';
import { type JsonAttributes, type JsonValue } from '../reader/answers/answer-parts.interface.js';
import { type SpanKindName } from '../reader/answers/traces.interface.js';
import { type FieldFilter, isNumeric } from '../reader/field-filter.js';
import { type ProcessChoice } from '../reader/telemetry-reader.interface.js';
import { allOf, type Bindings } from './query.js';

/** What the questions read from the columns of the exporter, as SQL. Names of attributes are constants of this library. */

const attribute = (key: string): string => `SpanAttributes['${key}']`;
const firstOf = (...values: readonly string[]): string =>
  values.reduceRight((rest, value) => `if(${value} != '', ${value}, ${rest})`);

/** Microseconds. */
export const START = 'toUnixTimestamp64Micro(Timestamp)';
export const DURATION = 'toInt64(intDiv(Duration, 1000))';
/** `durationStep()` as SQL. */
export const DURATION_STEP = `toUInt16(greatest(0, ceil(log2(greatest(${DURATION}, 1)) * 32)))`;

export const FAILED = "StatusCode = 'Error'";
const IS_INNER = "SpanKind NOT IN ('Server', 'Consumer', 'Client', 'Producer')";
/** What enters a service, or begins by itself. */
export const IS_ENTRY = `(SpanKind IN ('Server', 'Consumer') OR (${IS_INNER} AND ParentSpanId = ''))`;
/** Which span stands for its trace: the one without a parent, else one that entered a service. */
export const RANK = "multiIf(ParentSpanId = '', 2, SpanKind IN ('Server', 'Consumer'), 1, 0)";

const HTTP_METHOD = firstOf(attribute(ATTR_HTTP_REQUEST_METHOD), attribute('http.method'));
const HTTP_ROUTE = attribute(ATTR_HTTP_ROUTE);
/** Of an entry: an HTTP method, or how else it entered. */
export const METHOD = `multiIf(${IS_INNER}, 'RUN', SpanKind = 'Consumer', 'CONSUME', ${firstOf(HTTP_METHOD, "'RPC'")})`;
export const ROUTE = `multiIf(${IS_INNER}, SpanName, SpanKind = 'Server' AND ${HTTP_METHOD} != '', ${HTTP_ROUTE}, ${firstOf(HTTP_ROUTE, 'SpanName')})`;
/** How an entry ended; empty where that is not known. */
export const OUTCOME = `if(SpanKind IN ('Server', 'Consumer', 'Producer'), ${firstOf(
  attribute(ATTR_HTTP_RESPONSE_STATUS_CODE),
  attribute('http.status_code'),
  attribute(ATTR_RPC_STATUS_CODE),
  attribute(ATTR_ERROR_TYPE),
)}, '')`;

export const VERSION = `ResourceAttributes['${ATTR_SERVICE_VERSION}']`;
export const ENVIRONMENT = firstOf(
  `ResourceAttributes['${ATTR_DEPLOYMENT_ENVIRONMENT_NAME}']`,
  `ResourceAttributes['${ATTR_FORMER_DEPLOYMENT_ENVIRONMENT}']`,
);

/** `service.instance.id`; empty where the process has none. */
export const INSTANCE = `ResourceAttributes['${ATTR_SERVICE_INSTANCE_ID}']`;
/** What a process is called. */
export const PROCESS = firstOf(INSTANCE, `ResourceAttributes['${ATTR_HOST_NAME}']`);
/** Distinguishes the processes of a service: by their instance, where there is none by all attributes of the resource. */
export const PROCESS_KEY = `if(${INSTANCE} != '', ${INSTANCE}, toString(cityHash64(mapKeys(ResourceAttributes), mapValues(ResourceAttributes))))`;

/** That a row of any table is of a chosen process: conditions that must all hold. */
export function processConditions(
  bind: Bindings,
  { version, environment, process }: ProcessChoice,
): readonly string[] {
  const conditions: string[] = [];
  if (version !== undefined) conditions.push(`${VERSION} = ${bind.text(version)}`);
  if (environment !== undefined) conditions.push(`${ENVIRONMENT} = ${bind.text(environment)}`);
  if (process !== undefined) conditions.push(`${PROCESS} = ${bind.text(process)}`);
  return conditions;
}

/** pino's number of a severity, which has four for each level. */
export const LEVEL = 'if(SeverityNumber < 1, 30, toUInt8(intDiv(least(SeverityNumber, 24) + 3, 4) * 10))';

/** That a column of attributes has this key, and that its value fulfils the condition. */
export function fieldCondition(
  bind: Bindings,
  column: string,
  { key, value, operator = '=' }: FieldFilter,
): string {
  const name = bind.text(key);
  const has = `mapContains(${column}, ${name})`;
  const actual = `${column}[${name}]`;
  if (operator === 'exists') return has;
  if (operator === '~') return `${has} AND positionCaseInsensitiveUTF8(${actual}, ${bind.text(value)}) > 0`;
  if (isNumeric(operator)) {
    const limit = Number(value);
    // As in JavaScript, nothing is above or below what is no number.
    if (Number.isNaN(limit)) return '0';
    return `${has} AND ifNull(toFloat64OrNull(${actual}) ${operator} ${bind.number(limit)}, 0)`;
  }
  return `${has} AND ${actual} ${operator} ${bind.text(value)}`;
}

export function fieldConditions(bind: Bindings, column: string, fields: readonly FieldFilter[]): string {
  return allOf(fields.map((field) => fieldCondition(bind, column, field)));
}

const KINDS: Readonly<Record<string, SpanKindName>> = {
  Server: 'server',
  Client: 'client',
  Producer: 'producer',
  Consumer: 'consumer',
};

export function kindOf(kind: string): SpanKindName {
  return KINDS[kind] ?? 'internal';
}

export function statusOf(status: string): 'unset' | 'ok' | 'error' {
  return status === 'Error' ? 'error' : status === 'Ok' ? 'ok' : 'unset';
}

export type TextAttributes = Readonly<Record<string, string>>;

/** The exporter writes every value as text: what reads like a number, a boolean, a list or an object is one again. */
export function readAttributes(texts: TextAttributes): JsonAttributes {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, readValue(text)]));
}

function readValue(text: string): JsonValue {
  if (text === 'true' || text === 'false') return text === 'true';
  // Only as JavaScript writes it: 007 and 1.50 are texts.
  if (/^-?\d/.test(text) && text.length < 25 && String(Number(text)) === text) return Number(text);
  if (!text.startsWith('[') && !text.startsWith('{')) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // A text that begins like JSON.
    return text;
  }
}

/** Undefined for an empty text. */
export function known(text: string): string | undefined {
  return text === '' ? undefined : text;
}
