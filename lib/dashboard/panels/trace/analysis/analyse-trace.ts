import { type SpanAnswer } from '../../../reader/answers.interface.js';
import type { Steps } from '../../../steps.js';
import { findCriticalPath, mainRootOf, placeSpans, selfTimeOf, walk } from './place-spans.js';
import { findRepeatedStatements, type RepeatedStatement } from './repeated-statements.js';
import { sumTimeByKind, TIME_KINDS, type TimeKind } from './time-kinds.js';

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
  const byKind = sumTimeByKind(roots);
  yield;
  const selfTimeMs: Record<string, number> = {};
  for (const root of roots) for (const node of walk(root)) selfTimeMs[node.span.spanId] = selfTimeOf(node);
  yield;
  return {
    criticalPath,
    selfTimeMs,
    byKind: TIME_KINDS.filter((kind) => byKind[kind] > 0 || (medians?.[kind] ?? 0) > 0).map((kind) => ({
      kind,
      ms: byKind[kind],
      medianMs: medians?.[kind],
    })),
    repeated: findRepeatedStatements(roots),
  };
}
