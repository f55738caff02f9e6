import { analyseTrace } from '../../../../lib/dashboard/panels/trace/analysis/analyse-trace.js';
import { type AnalysedTrace } from '../../../../lib/dashboard/panels/trace/query.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { takeAllSteps } from '../../../../lib/dashboard/steps.js';

/** A trace of these spans, with what the waterfall and the flame graph ask for. */
export const traceOf = (spans: readonly SpanAnswer[]): AnalysedTrace => ({
  // Neither reads the summary.
  summary: {} as AnalysedTrace['summary'],
  spans,
  logs: [],
  analysis: takeAllSteps(analyseTrace(spans)),
});
