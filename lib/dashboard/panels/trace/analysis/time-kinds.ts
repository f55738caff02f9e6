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
  const sums: { readonly byKind: Readonly<Record<TimeKind, number>>; readonly weight: number }[] = [];
  for (const spans of traces) {
    sums.push({ byKind: sumTimeByKind(placeSpans(spans)), weight: weightOfTrace(spans) });
    yield;
  }
  return recordOfKinds((kind) =>
    medianOf(sums.map(({ byKind, weight }) => ({ value: byKind[kind], weight }))),
  );
}

/** How many traces one stands for, where only a part was recorded. */
function weightOfTrace(spans: readonly SpanAnswer[]): number {
  return (spans.find(({ parentSpanId }) => parentSpanId === undefined) ?? spans[0])?.weight ?? 1;
}

interface Weighted {
  readonly value: number;
  readonly weight: number;
}

/** The mean of the two values in the middle where they are different ones. */
export function medianOf(values: readonly Weighted[]): number {
  const half = values.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let reached = 0;
  let lower: number | undefined;
  for (const { value, weight } of values.toSorted((a, b) => a.value - b.value)) {
    if (lower !== undefined) return (lower + value) / 2;
    reached += weight;
    if (reached > half) return value;
    if (reached === half) lower = value;
  }
  return lower ?? 0;
}

function isConnectionWait({ attributes, name }: SpanAnswer): boolean {
  return attributes[ATTR_DB_CLIENT_CONNECTION_POOL_NAME] !== undefined && /connect|acquire|wait/i.test(name);
}
