import { type ApiSpan, type ApiTimeKind, type ApiTraceAnalysis } from '../../../api/api.interface.js';
import { type Steps, takeAllSteps } from '../../../steps.js';
import { findCriticalPath, mainRootOf } from './critical-path.js';
import { placeSpans, walk } from './place-spans.js';
import { findRepeatedStatements } from './repeated-statements.js';
import { selfTimeOf } from './self-time.js';
import { sumTimeByKind, TIME_KINDS } from './time-kinds.js';

/**
 * Why a trace took as long as it did.
 *
 * @param medians self time by kind that is usual for its route; undefined when that is not known
 */
export function analyseTrace(
  spans: readonly ApiSpan[],
  medians?: Readonly<Record<ApiTimeKind, number>>,
): ApiTraceAnalysis {
  return takeAllSteps(analyseTraceInSteps(spans, medians));
}

/** The same in steps, for traces of many thousands of spans. */
export function* analyseTraceInSteps(
  spans: readonly ApiSpan[],
  medians?: Readonly<Record<ApiTimeKind, number>>,
): Steps<ApiTraceAnalysis> {
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
