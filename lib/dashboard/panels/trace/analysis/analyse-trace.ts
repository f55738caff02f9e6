import { findRepeatedStatements, type RepeatedStatement } from '../../../../engine/repeated-statements.js';
import { type SpanAnswer } from '../../../reader/answers/traces.interface.js';
import { hostOf } from '../../../reader/host-of.js';
import type { Steps } from '../../../steps.js';
import {
  findCriticalPath,
  mainRootOf,
  type PlacedSpan,
  placeSpans,
  selfTimeOf,
  walk,
} from './place-spans.js';
import { recordOfKinds, TIME_KINDS, type TimeKind, timeKindOf } from './time-kinds.js';

/** A span of a trace, and how long it took by itself. */
export interface SlowestSpan {
  readonly spanId: string;
  readonly name: string;
  /** Host (and port) that a client asked; undefined for anything else. */
  readonly host: string | undefined;
  readonly ms: number;
}

/** Why this trace took as long as it did. */
export interface TraceAnalysis {
  /** Spans on the longest chain of waiting, root first. */
  readonly criticalPath: readonly string[];
  /** Time of each span in which none of its children ran. */
  readonly selfTimeMs: Readonly<Record<string, number>>;
  /** Self time by kind, beside the median of the latest traces of the same route; undefined when there are too few. */
  readonly byKind: readonly {
    readonly kind: TimeKind;
    readonly ms: number;
    readonly medianMs: number | undefined;
    /** The span with the most self time of this kind; undefined where there is none. */
    readonly slowest: SlowestSpan | undefined;
  }[];
  readonly repeated: readonly RepeatedStatement[];
}

/**
 * Why a trace took as long as it did; in steps, for traces of many thousands of spans.
 *
 * @param medians usual self time by kind of its route; undefined when that is not known
 */
export function* analyseTrace(
  spans: readonly SpanAnswer[],
  medians?: Readonly<Record<TimeKind, number>>,
): Steps<TraceAnalysis> {
  const roots = placeSpans(spans);
  yield;
  const main = mainRootOf(roots);
  const criticalPath = main === undefined ? [] : findCriticalPath(main).map(({ span }) => span.spanId);
  yield;
  const selfTimeMs: Record<string, number> = {};
  const byKind = recordOfKinds(() => 0);
  const slowest: Partial<Record<TimeKind, SlowestSpan>> = {};
  for (const root of roots)
    for (const node of walk(root)) {
      const ms = selfTimeOf(node);
      const { spanId, name } = node.span;
      const kind = timeKindOf(node);
      selfTimeMs[spanId] = ms;
      byKind[kind] += ms;
      if (ms > (slowest[kind]?.ms ?? 0)) slowest[kind] = { spanId, name, host: hostOf(node.span), ms };
    }
  yield;
  return {
    criticalPath,
    selfTimeMs,
    byKind: TIME_KINDS.filter((kind) => byKind[kind] > 0 || (medians?.[kind] ?? 0) > 0).map((kind) => ({
      kind,
      ms: byKind[kind],
      medianMs: medians?.[kind],
      slowest: slowest[kind],
    })),
    repeated: findRepeatedStatements(queriesIn(roots)),
  };
}

function* queriesIn(roots: readonly PlacedSpan[]): Generator<PlacedSpan> {
  for (const root of roots)
    for (const node of walk(root)) {
      const kind = timeKindOf(node);
      if (kind === 'database' || kind === 'cache') yield node;
    }
}
