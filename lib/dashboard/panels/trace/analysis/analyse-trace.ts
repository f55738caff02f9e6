import { type SpanAnswer } from '../../../reader/answers.interface.js';
import { type Steps, takeAllSteps } from '../../../steps.js';
import { findCriticalPath, mainRootOf, placeSpans, selfTimeOf, walk } from './place-spans.js';
import { findRepeatedStatements, type RepeatedStatement } from './repeated-statements.js';
import { type TimeKind } from './time-kinds.js';
import { sumTimeByKind, TIME_KINDS } from './time-kinds.js';

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
 * Why a trace took as long as it did.
 *
 * @param medians self time by kind that is usual for its route; undefined when that is not known
 */
export function analyseTrace(
  spans: readonly SpanAnswer[],
  medians?: Readonly<Record<TimeKind, number>>,
): TraceAnalysis {
  return takeAllSteps(analyseTraceInSteps(spans, medians));
}

/** The same in steps, for traces of many thousands of spans. */
export function* analyseTraceInSteps(
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
