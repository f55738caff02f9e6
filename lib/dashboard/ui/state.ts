/** What the page shows lives in the address: `#/traces?service=orders&range=15m`. So it can be sent to a colleague, and back goes back. */
import { beginOf } from './database.js';
import { createListeners, useSyncExternalStore } from './parts/compat.js';
import { PROCESS_NAMES, processesOf } from './process-choice.js';

export interface Place {
  /** `['trace', '<id>']` */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** What changes of a query: a value, several, or undefined to take it out. */
export type QueryChange = Readonly<Record<string, string | number | readonly string[] | undefined>>;

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A mistyped address is used unchanged.
    return part;
  }
}

function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

let current = parse(location.hash);
const listeners = createListeners();

addEventListener('hashchange', () => {
  current = parse(location.hash);
  listeners.tell();
});

/** Where the page is now. */
export const readPlace = (): Place => current;

/** Where the page is, now and whenever it moves. */
export const usePlace = (): Place => useSyncExternalStore(listeners.subscribe, () => current);

/** What a reader has chosen for all views: the time span, and which processes. */
const SCOPE = ['range', 'from', 'to', ...PROCESS_NAMES] as const;

/** The address of a place, for links. What is said about the time span and the processes goes along unless the query says otherwise. */
export function addressOf(path: readonly string[], query: QueryChange = {}): string {
  const params = new URLSearchParams();
  for (const name of SCOPE) {
    const value = current.query.get(name);
    if (value !== null) params.set(name, value);
  }
  return write(path, change(params, query));
}

/** The address of the present place with another query. */
export const addressWith = (query: QueryChange): string => write(current.path, change(current.query, query));

function change(from: URLSearchParams, query: QueryChange): URLSearchParams {
  const params = new URLSearchParams(from);
  for (const [name, value] of Object.entries(query)) {
    params.delete(name);
    if (value === undefined || value === '') continue;
    for (const each of typeof value === 'object' ? value : [String(value)]) params.append(name, each);
  }
  return params;
}

function write(path: readonly string[], params: URLSearchParams): string {
  const query = params.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${query ? `?${query}` : ''}`;
}

export function go(address: string): void {
  if (address !== location.hash) location.hash = address;
}

/** Changes the query; `replace` where the way there is not worth a step back (typing, moving a selection). */
export function setQuery(query: QueryChange, { replace = false } = {}): void {
  const address = addressWith(query);
  if (!replace) {
    go(address);
    return;
  }
  history.replaceState(null, '', address);
  current = parse(address);
  listeners.tell();
}

export interface TimeSpan {
  readonly from: number;
  readonly to: number;
  /** Minutes up to now; undefined for a fixed span. */
  readonly minutes: number | undefined;
}

export const DEFAULT_RANGE = '15m';

/** The time span of a query, `range=15m` or `from=…&to=…`, as of now; without what lies before the first record. */
export function timeSpanOf(query: URLSearchParams, now = Date.now()): TimeSpan {
  const from = Number(query.get('from'));
  const to = Number(query.get('to'));
  if (from > 0 && to > from) return { from, to, minutes: undefined };
  const match = /^(\d+)(m|h|d)$/.exec(query.get('range') ?? DEFAULT_RANGE);
  const factor = match?.[2] === 'd' ? 1_440 : match?.[2] === 'h' ? 60 : 1;
  const minutes = Math.min(Math.max(Number(match?.[1] ?? 15) * factor, 1), 43_200);
  return { from: beginOf(now - minutes * 60_000, now), to: now, minutes };
}

/** Whether views follow new data. */
export const isLive = ({ query }: Place): boolean =>
  query.get('live') !== '0' && timeSpanOf(query).minutes !== undefined;

/** Interval at which a live view asks again, in milliseconds. */
export const REFRESH_MS = 5_000;

/** The part of the address that selects the time span and the processes. It stays the same while the span moves with the clock. */
export const spanKeyOf = ({ query }: Place): string => SCOPE.map((name) => query.get(name) ?? '').join('|');

/** The time span as of now, and the processes, as the API takes them. */
export function scopeOf({ query }: Place) {
  const { from, to } = timeSpanOf(query);
  return { from, to, ...processesOf(query) };
}
