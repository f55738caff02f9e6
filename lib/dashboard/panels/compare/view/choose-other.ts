import type { TraceSummaryAnswer } from '../../../reader/answers/traces.interface.js';
import { toneOf } from '../../../ui/parts/trace-outcome.js';

/** A trace that can be compared with, and what it stands for among the others. */
export interface OtherTrace {
  readonly trace: TraceSummaryAnswer;
  readonly labels: readonly string[];
}

export interface OtherTraces {
  /** Those with labels first, then the slowest. */
  readonly others: readonly OtherTrace[];
  /** With which a trace is compared where nothing else is asked for; undefined where there is none. */
  readonly typical: TraceSummaryAnswer | undefined;
}

const isOk = (trace: TraceSummaryAnswer): boolean => toneOf(trace) === 'good' && trace.errorCount === 0;

/** Sorts traces of a route, and says which are typical, the slowest, and the fastest that did not fail. */
export function labelOthers(traces: readonly TraceSummaryAnswer[]): OtherTraces {
  const sorted = [...traces].sort((a, b) => b.durationMs - a.durationMs);
  const ok = sorted.filter(isOk);
  const usual = ok.length > 0 ? ok : sorted;
  const typical = usual[Math.floor(usual.length / 2)];
  const labelsOf = (trace: TraceSummaryAnswer): string[] => [
    ...(trace === typical ? ['typical (median)'] : []),
    ...(trace === sorted[0] ? ['slowest'] : []),
    ...(trace === ok.at(-1) ? ['fastest ok'] : []),
  ];
  const named = [typical, sorted[0], ok.at(-1)].filter((trace) => trace !== undefined);
  const others = [...new Set([...named, ...sorted])].map((trace) => ({ trace, labels: labelsOf(trace) }));
  return { others, typical };
}
