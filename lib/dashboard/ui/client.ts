import type { ApiError } from '../api/api.interface.js';
import { createListeners, useSyncExternalStore } from './parts/compat.js';

/**
 * The client of the JSON API, typed by the addresses of a panel: `clientOf<LogsApi>().get('logs', { limit: 10 })`. Addresses are relative
 * to the page, wherever it is mounted.
 */

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

const BASE = 'api/v1/';
/** In place of a status where there is none. */
const NO_ANSWER = 0;

/** The answer was not 2xx. */
export class ApiFailure extends Error {
  /** @param isAnnounced whether the page shows it once for all views, and asks again */
  constructor(
    readonly status: number,
    message: string,
    readonly isAnnounced = false,
  ) {
    super(message);
    this.name = 'ApiFailure';
  }
}

/** `:name` in the path is taken from the query. */
function addressOf(path: string, query: Query): string {
  const params = new URLSearchParams();
  const names = new Set<string>();
  const filled = path.replace(/:(\w+)/g, (_part, name: string) => {
    names.add(name);
    return encodeURIComponent(String(query[name]));
  });
  for (const [name, value] of Object.entries(query)) {
    if (names.has(name)) continue;
    if (value === undefined || value === '') continue;
    for (const each of typeof value === 'object' ? value : [String(value)]) params.append(name, each);
  }
  const text = params.toString();
  return `${BASE}${filled}${text ? `?${text}` : ''}`;
}

function authorization(): Record<string, string> {
  const token = readToken();
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** What the application says; undefined where a proxy in between answers in its own words. */
async function messageOf(response: Response): Promise<string | undefined> {
  try {
    return ((await response.json()) as ApiError).error.message;
  } catch {
    return undefined;
  }
}

async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    // Cancelled by the page: that says nothing about the application.
    if (init.signal?.aborted) throw error;
    tellConnection(false);
    throw new ApiFailure(NO_ANSWER, 'The application does not answer.', true);
  }
}

/** A proxy's answer when there is no application behind it. */
const isFromGateway = (status: number): boolean => status >= 502 && status <= 504;

/** The application's own answer when it cannot ask its database. */
const isDatabaseGone = (status: number): boolean => status === 502;

/** Whether there was no answer, so that asking again may help; the page's header says so. */
export const isUnanswered = (error: Error): boolean => error instanceof ApiFailure && error.isAnnounced;

/** Sends a request below the path of the API. Throws `ApiFailure` unless the answer is 2xx, and the browser's error when it was cancelled. */
export async function request(path: string, query: Query, init: RequestInit = {}): Promise<Response> {
  const response = await send(addressOf(path, query), {
    ...init,
    headers: { accept: 'application/json', ...authorization(), ...(init.headers as Record<string, string>) },
    credentials: 'same-origin',
    cache: 'no-store',
  });
  const { ok, status, statusText } = response;
  const message = ok ? undefined : await messageOf(response);
  const isGone = message === undefined && isFromGateway(status);
  const isDatabase = message !== undefined && isDatabaseGone(status);
  tellConnection(!isGone);
  tellDatabase(path, isDatabase ? message : undefined);
  if (!ok) throw new ApiFailure(status, message ?? (statusText || `HTTP ${status}`), isGone || isDatabase);
  return response;
}

type PathOf<Api, Method extends string> = {
  [Address in keyof Api]: Address extends `${Method} ${infer Path}` ? Path : never;
}[keyof Api];

type AnswerOf<Api, Address extends string> = Address extends keyof Api ? Api[Address] : never;

interface Client<Api> {
  get<Path extends PathOf<Api, 'GET'> & string>(
    path: Path,
    query?: Query,
    signal?: AbortSignal,
  ): Promise<AnswerOf<Api, `GET ${Path}`>>;
  post<Path extends PathOf<Api, 'POST'> & string>(
    path: Path,
    json: string,
    signal?: AbortSignal,
  ): Promise<AnswerOf<Api, `POST ${Path}`>>;
}

const client = {
  get: async (path: string, query: Query = {}, signal?: AbortSignal): Promise<unknown> =>
    (await request(path, query, signal ? { signal } : {})).json(),
  post: async (path: string, body: string, signal?: AbortSignal): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    return (await request(path, {}, { method: 'POST', body, headers, ...(signal ? { signal } : {}) })).json();
  },
};

/** Asks the addresses of a panel. */
export const clientOf = <Api>(): Client<Api> => client as Client<Api>; // the server answers as the panel's routes promise

const listeners = createListeners();
let answers = true;

/** Keeps in mind whether the last request was answered, by whatever status. */
function tellConnection(answered: boolean): void {
  if (answered === answers) return;
  answers = answered;
  listeners.tell();
}

/** What the application says of its database, by the address whose answer failed. */
const databaseFailures = new Map<string, string>();

function tellDatabase(path: string, message: string | undefined): void {
  if (databaseFailures.get(path) === message) return;
  if (message === undefined) databaseFailures.delete(path);
  else databaseFailures.set(path, message);
  listeners.tell();
}

// The next view asks other addresses.
addEventListener('hashchange', () => {
  databaseFailures.clear();
  listeners.tell();
});

/** What is wrong with the database; undefined where nothing is known of it. */
export const useDatabaseFailure = (): string | undefined =>
  useSyncExternalStore(listeners.subscribe, () => [...databaseFailures.values()].at(-1));

/** Whether the application answers, as far as is known. */
export const useConnection = (): boolean => useSyncExternalStore(listeners.subscribe, () => answers);

/**
 * The token that the application requires. It comes from the address `#token=…` or from the form,
 * and is exchanged for a cookie, so that bookmarks and new tabs work. Where cookies are blocked, it
 * lasts as long as the tab.
 */
const KEY = 'telemetry-token';

let memory: string | undefined;

/** The token that the reader gave in this tab. */
export function readToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? memory;
  } catch {
    // Storage may be forbidden; the token then lasts until the page is loaded again.
    return memory;
  }
}

function keepToken(token: string): void {
  memory = token;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // See above.
  }
}

/** Keeps the token for this tab, and asks the application for its cookie. Never rejects. */
export async function signIn(token: string): Promise<void> {
  keepToken(token);
  try {
    await fetch('api/v1/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  } catch {
    // The view asks next, and says what is wrong.
  }
}

/** Signs in with the token of the address, and takes it out of there: it must not be shared. */
export async function signInByAddress(): Promise<void> {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (!match?.[1]) return;
  location.replace('#/overview');
  await signIn(decoded(match[1]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
