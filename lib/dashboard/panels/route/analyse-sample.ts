import { type ExemplarAnswer } from '../../reader/answers/answer-parts.interface.js';
import { type SpanAnswer } from '../../reader/answers/traces.interface.js';
import { hostOf } from '../../reader/host-of.js';
import { OperationSums, rankOperations } from '../../reader/sum-operations.js';
import { type Steps, TimeSlice } from '../../steps.js';
import { type PlacedSpan, placeSpans, selfTimeOf, walk } from '../trace/analysis/place-spans.js';
import {
  medianOf,
  recordOfKinds,
  TIME_KINDS,
  type TimeKind,
  timeKindOf,
} from '../trace/analysis/time-kinds.js';
import { isEntryBy, type RouteName } from './entry-of.js';
import { type RouteTimeKind, type SampleAnalysis } from './route-api.interface.js';

interface Sums {
  requests: number;
  /** How many these stand for, where only a part was recorded. */
  standFor: number;
  readonly byKind: Record<TimeKind, number>;
}

type Slowest = RouteTimeKind['slowest'];

const MAX_OPERATIONS = 10;
const MAX_TYPICAL = 3;

function* findEntries(traces: readonly (readonly SpanAnswer[])[], name: RouteName): Generator<PlacedSpan> {
  for (const spans of traces)
    for (const root of placeSpans(spans))
      for (const node of walk(root)) if (isEntryBy(node.span, name)) yield node;
}

/**
 * Adds up what requests of a route did: only the part of each trace that is theirs. In steps, trace by trace.
 *
 * @param newest spans of whole traces
 * @param slow the same of those that took longest; some may be among the newest, too
 */
export function* analyseSample(
  { newest, slow }: Readonly<Record<'newest' | 'slow', readonly (readonly SpanAnswer[])[]>>,
  name: RouteName,
): Steps<SampleAnalysis> {
  const turn = new TimeSlice();
  const slowest: Partial<Record<TimeKind, Slowest>> = {};
  const operations = new OperationSums(undefined);
  const entries: PlacedSpan[] = [];
  const sums = { newest: startSums(), slow: startSums() };
  for (const entry of findEntries(newest, name)) {
    entries.push(entry);
    addEntry(entry, sums.newest, slowest);
    const below = Array.from(walk(entry), ({ span }) => ({ ...span, failed: span.status === 'error' }));
    yield* operations.addTrace(below, turn);
    if (turn.isOverNow()) yield* turn.pass();
  }
  for (const entry of findEntries(slow, name)) {
    addEntry(entry, sums.slow, slowest);
    if (turn.isOverNow()) yield* turn.pass();
  }
  const mean = ({ byKind, standFor }: Sums, kind: TimeKind) => byKind[kind] / Math.max(1, standFor);
  return {
    newest: sums.newest.requests,
    slow: sums.slow.requests,
    since: entries.length === 0 ? undefined : Math.min(...entries.map(({ span }) => span.start)),
    byKind: TIME_KINDS.flatMap((kind) => {
      const most = slowest[kind];
      if (most === undefined) return [];
      return { kind, typicalMs: mean(sums.newest, kind), slowMs: mean(sums.slow, kind), slowest: most };
    }),
    operations: rankOperations(operations.answers(), { from: 0, to: 0, limit: MAX_OPERATIONS }).operations,
    typical: findTypical(entries),
  };
}

const startSums = (): Sums => ({ requests: 0, standFor: 0, byKind: recordOfKinds(() => 0) });

function addEntry(entry: PlacedSpan, sums: Sums, slowest: Partial<Record<TimeKind, Slowest>>): void {
  const { weight = 1 } = entry.span;
  sums.requests += 1;
  sums.standFor += weight;
  for (const node of walk(entry)) {
    const kind = timeKindOf(node);
    const ms = selfTimeOf(node);
    sums.byKind[kind] += ms * weight;
    if (ms <= (slowest[kind]?.ms ?? 0)) continue;
    const { traceId, spanId, name } = node.span;
    slowest[kind] = { traceId, spanId, name, host: hostOf(node.span), ms };
  }
}

/** Those that did not fail and whose duration is nearest to the median. */
function findTypical(entries: readonly PlacedSpan[]): readonly ExemplarAnswer[] {
  const fine = entries.map(({ span }) => span).filter(({ status }) => status !== 'error');
  const median = medianOf(fine.map(({ durationMs, weight = 1 }) => ({ value: durationMs, weight })));
  const away = ({ durationMs }: SpanAnswer): number => Math.abs(durationMs - median);
  return fine
    .sort((a, b) => away(a) - away(b))
    .slice(0, MAX_TYPICAL)
    .map(({ start, durationMs, traceId, spanId, name }) => ({
      time: start,
      value: durationMs,
      traceId,
      spanId,
      error: false,
      label: name,
    }));
}
