import {
  ATTR_DB_CLIENT_CONNECTION_POOL_NAME,
  ATTR_DB_SYSTEM_NAME,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_MESSAGING_SYSTEM,
  ATTR_URL_FULL,
} from '../../../../config/semantic-conventions.constants.js';
import { type SpanAnswer } from '../../../reader/answers/traces.interface.js';
import type { Steps } from '../../../steps.js';
import { type PlacedSpan, placeSpans, selfTimeOf, walk } from './place-spans.js';

/** What a span spends its time on. */
export type TimeKind = 'database' | 'http' | 'cache' | 'messaging' | 'handler' | 'waiting';

/** As they were called before; others still do. */
const FORMER = {
  dbSystem: 'db.system',
  httpMethod: 'http.method',
  messagingSystem: 'messaging.system',
} as const;

const CACHES = new Set(['redis', 'memcached', 'valkey', 'keydb', 'dragonfly']);

export const TIME_KINDS: readonly TimeKind[] = [
  'handler',
  'database',
  'http',
  'cache',
  'messaging',
  'waiting',
];

/** What a span spends its own time on. */
export function timeKindOf({ span, children }: Pick<PlacedSpan, 'span' | 'children'>): TimeKind {
  const { attributes, kind } = span;
  const database = attributes[ATTR_DB_SYSTEM_NAME] ?? attributes[FORMER.dbSystem];
  if (database !== undefined) {
    if (isConnectionWait(span)) return 'waiting';
    return typeof database === 'string' && CACHES.has(database) ? 'cache' : 'database';
  }
  if (
    kind === 'producer' ||
    attributes[ATTR_MESSAGING_SYSTEM] !== undefined ||
    attributes[FORMER.messagingSystem] !== undefined
  )
    // What works on a message is as much a handler as what answers a request.
    return kind === 'consumer' ? 'handler' : 'messaging';
  if (kind !== 'client') return 'handler';
  // The other side is seen: what is left of the call is the way there and back.
  if (children.some((child) => child.span.kind === 'server')) return 'waiting';
  return attributes[ATTR_HTTP_REQUEST_METHOD] !== undefined ||
    attributes[FORMER.httpMethod] !== undefined ||
    attributes[ATTR_URL_FULL] !== undefined
    ? 'http'
    : 'waiting';
}

/** Milliseconds of self time by kind; every kind has an entry. */
function sumTimeByKind(roots: readonly PlacedSpan[]): Readonly<Record<TimeKind, number>> {
  const sums = recordOfKinds(() => 0);
  for (const root of roots) for (const node of walk(root)) sums[timeKindOf(node)] += selfTimeOf(node);
  return sums;
}

/** A value for every kind. */
export function recordOfKinds(of: (kind: TimeKind) => number): Record<TimeKind, number> {
  return Object.fromEntries(TIME_KINDS.map((kind) => [kind, of(kind)])) as Record<TimeKind, number>; // it has every kind
}

/** Fewer say nothing about a route. */
const MIN_TRACES = 5;

/** Median of each kind over several traces; undefined when they are too few. */
export function* medianTimeByKind(
  traces: readonly (readonly SpanAnswer[])[],
): Steps<Readonly<Record<TimeKind, number>> | undefined> {
  if (traces.length < MIN_TRACES) return undefined;
  const sums: Readonly<Record<TimeKind, number>>[] = [];
  for (const spans of traces) {
    sums.push(sumTimeByKind(placeSpans(spans)));
    yield;
  }
  return recordOfKinds((kind) => medianOf(sums.map((sum) => sum[kind])));
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  // One of an odd number, two of an even one.
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

function isConnectionWait({ attributes, name }: SpanAnswer): boolean {
  return attributes[ATTR_DB_CLIENT_CONNECTION_POOL_NAME] !== undefined && /connect|acquire|wait/i.test(name);
}
