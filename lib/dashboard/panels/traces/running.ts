import { type RunningTraceAnswer, type TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';

/**
 * Summaries in which a trace that still runs in this process is shown by its root: with its name, and for as long as it takes so far.
 * What is stored of it is only what has ended.
 */
export function markRunning(
  summaries: readonly TraceSummaryAnswer[],
  running: () => readonly RunningTraceAnswer[],
): readonly TraceSummaryAnswer[] {
  // The live feed asks twice a second, mostly about no trace.
  if (summaries.length === 0) return summaries;
  const byId = new Map(running().map((trace) => [trace.traceId, trace]));
  if (byId.size === 0) return summaries;
  return summaries.map((summary) => {
    const root = byId.get(summary.traceId);
    // A trace that another service began ends there.
    if (root === undefined || (summary.state === undefined && summary.service !== root.service))
      return summary;
    const { name, service, start, elapsedMs } = root;
    return { ...summary, name, service, start, durationMs: elapsedMs, status: undefined, state: 'running' };
  });
}
