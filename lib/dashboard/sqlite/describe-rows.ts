import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_ERROR_TYPE,
  ATTR_FORMER_DEPLOYMENT_ENVIRONMENT,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_RPC_STATUS_CODE,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '../../config/semantic-conventions.constants.js';
import { SPAN_KIND, type StoredResource, type StoredSpan } from './rows.interface.js';

/** Reads the columns of the store from the attributes and numbers of OpenTelemetry. */

/** Attributes that have another name in earlier versions of the conventions. */
const FORMER = { method: 'http.method', status: 'http.status_code' } as const;
export const MAX_NAME = 1_000;
/** Longer methods and outcomes are cut. */
const MAX_WORD = 100;

type Find = (key: string) => unknown;
type Entry = Pick<StoredSpan, 'method' | 'route' | 'outcome'>;

const NO_ENTRY: Entry = { method: undefined, route: undefined, outcome: undefined };

/** The columns of a resource. @param attributes all of them, as the text of a JSON object */
export function describeResource(find: Find, attributes: string): StoredResource {
  const text = (...keys: readonly string[]): string =>
    textOf(
      keys.map(find).find((value) => typeof value === 'string'),
      MAX_NAME,
    ) ?? '';
  return {
    service: text(ATTR_SERVICE_NAME) || 'unknown_service',
    version: text(ATTR_SERVICE_VERSION),
    environment: text(ATTR_DEPLOYMENT_ENVIRONMENT_NAME, ATTR_FORMER_DEPLOYMENT_ENVIRONMENT),
    instance: text(ATTR_SERVICE_INSTANCE_ID),
    attributes,
  };
}

/** By what a span entered its service, and how that ended. */
export function describeEntry(kind: number, find: Find): Entry {
  if (kind === SPAN_KIND.internal || kind === SPAN_KIND.client) return NO_ENTRY;
  return {
    method: textOf(find(ATTR_HTTP_REQUEST_METHOD) ?? find(FORMER.method), MAX_WORD),
    route: textOf(find(ATTR_HTTP_ROUTE), MAX_NAME),
    outcome:
      textOf(find(ATTR_HTTP_RESPONSE_STATUS_CODE) ?? find(FORMER.status), MAX_WORD) ??
      textOf(find(ATTR_RPC_STATUS_CODE), MAX_WORD) ??
      textOf(find(ATTR_ERROR_TYPE), MAX_WORD),
  };
}

function textOf(value: unknown, max: number): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.slice(0, max) : undefined;
}

/** pino's number of a severity of OpenTelemetry, which has four for each level; `info` where there is none. */
export function levelOfSeverity(severity: number | undefined): number {
  return severity === undefined || severity < 1 ? 30 : Math.ceil(Math.min(severity, 24) / 4) * 10;
}
