/** The typed client of the JSON API. Addresses are relative to the page, wherever it is mounted. */
import type { Selection } from '../reader/telemetry-reader.interface.js';
import type { ComparisonAnswer } from '../panels/compare/query.js';
import type { ApiError } from '../api/api.interface.js';
import type { HealthAnswer } from '../panels/health/query.js';
import type { ImportAnswer } from '../panels/trace/query.js';
import type {
  ChartAnswer,
  InstrumentAnswer,
  LogAnswer,
  OverviewAnswer,
  Page,
  RouteAnswer,
  SelectionAnswer,
  ServiceAnswer,
  TraceSummaryAnswer,
} from '../reader/answers.interface.js';
import type { AnalysedTrace } from '../panels/trace/query.js';
import { tellConnection } from './connection.js';
import { readToken } from './token.js';

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

const BASE = 'api/v1/';
/** In place of a status where there is none. */
const NO_ANSWER = 0;

/** An answer that is not what was asked for. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiFailure';
  }
}

function addressOf(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const each of typeof value === 'object' ? value : [String(value)]) params.append(name, each);
  }
  const text = params.toString();
  return `${BASE}${path}${text ? `?${text}` : ''}`;
}

export function authorization(): Record<string, string> {
  const token = readToken();
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

async function messageOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as ApiError).error.message;
  } catch {
    // A proxy in between answers in its own words.
    return response.statusText || `HTTP ${response.status}`;
  }
}

async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(address, init);
    tellConnection(!isFromGateway(response.status));
    return response;
  } catch (error) {
    // What was called off here says nothing about the application.
    if (init.signal?.aborted) throw error;
    tellConnection(false);
    throw new ApiFailure(NO_ANSWER, 'The application does not answer.');
  }
}

/** A proxy's word that nobody is behind it. */
const isFromGateway = (status: number): boolean => status >= 502 && status <= 504;

/** Whether nobody answered, so that asking again may help. */
export const isUnanswered = (error: Error): boolean =>
  error instanceof ApiFailure && (error.status === NO_ANSWER || isFromGateway(error.status));

/** Sends a request below the API's path; throws `ApiFailure` for every status but 2xx and where there is no answer, and the browser's error when it was called off. */
export async function request(path: string, query: Query, init: RequestInit = {}): Promise<Response> {
  const response = await send(addressOf(path, query), {
    ...init,
    headers: { accept: 'application/json', ...authorization(), ...(init.headers as Record<string, string>) },
    credentials: 'same-origin',
    cache: 'no-store',
  });
  if (!response.ok) throw new ApiFailure(response.status, await messageOf(response));
  return response;
}

async function get<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
  const response = await request(path, query, signal ? { signal } : {});
  return (await response.json()) as T;
}

async function post<T>(path: string, body: string, signal?: AbortSignal): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await request(path, {}, { method: 'POST', body, headers, ...(signal ? { signal } : {}) });
  return (await response.json()) as T;
}

const id = encodeURIComponent;

export const api = {
  services: (query: Query, signal?: AbortSignal) => get<readonly ServiceAnswer[]>('services', query, signal),
  overview: (query: Query, signal?: AbortSignal) => get<OverviewAnswer>('overview', query, signal),
  routes: (query: Query, signal?: AbortSignal) => get<readonly RouteAnswer[]>('routes', query, signal),
  traces: (query: Query, signal?: AbortSignal) => get<Page<TraceSummaryAnswer>>('traces', query, signal),
  trace: (traceId: string, signal?: AbortSignal) => get<AnalysedTrace>(`traces/${id(traceId)}`, {}, signal),
  compare: (a: string, b: string, signal?: AbortSignal) => get<ComparisonAnswer>('compare', { a, b }, signal),
  logs: (query: Query, signal?: AbortSignal) => get<Page<LogAnswer>>('logs', query, signal),
  metrics: (signal?: AbortSignal) => get<readonly InstrumentAnswer[]>('metrics', {}, signal),
  metric: (metric: number, query: Query, signal?: AbortSignal) =>
    get<ChartAnswer>(`metrics/${metric}`, query, signal),
  health: (signal?: AbortSignal) => get<HealthAnswer>('health', {}, signal),
  selection: (selection: Selection, signal?: AbortSignal) =>
    post<SelectionAnswer>('selection', JSON.stringify(selection), signal),
  /** The trace as OTLP's JSON, as text. */
  otlpOf: async (traceId: string) => (await request(`traces/${id(traceId)}/otlp`, {})).text(),
  /** Takes OTLP's JSON into the store. */
  importOtlp: (json: string) => post<ImportAnswer>('traces/import', json),
};
