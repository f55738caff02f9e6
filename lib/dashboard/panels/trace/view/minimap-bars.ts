import type { TraceTree } from './trace-tree.js';

/** A stretch of a lane in which spans of one service ran. */
export interface MinimapBar {
  readonly lane: number;
  /** Shares of the duration of the trace. */
  readonly from: number;
  readonly to: number;
  readonly service: string;
  readonly failed: boolean;
}

/** Deeper spans share the last lane. */
export const LANES = 10;

/** What is closer together than this share is one bar. */
const GAP = 1 / 400;

interface Bar extends MinimapBar {
  to: number;
  failed: boolean;
}

/** The spans of a trace in lanes by depth, those close together merged: the number of bars is bounded by the width, not by the number of spans. */
export function minimapBars({ bySpanId, start, durationMs }: TraceTree): readonly MinimapBar[] {
  const bars: Bar[] = [];
  const last: Bar[] = [];
  const nodes = [...bySpanId.values()].sort((a, b) => a.start - b.start);
  for (const { span, depth, start: begin, end } of nodes) {
    const lane = Math.min(depth, LANES - 1);
    const from = (begin - start) / durationMs;
    const to = Math.min((end - start) / durationMs, 1);
    const failed = span.status === 'error';
    const before = last[lane];
    if (before?.service === span.service && from <= before.to + GAP) {
      before.to = Math.max(before.to, to);
      before.failed ||= failed;
      continue;
    }
    // A service that alternates with another in the same moment would be as many bars as spans.
    if (before && from - before.from < GAP && to <= before.to + GAP) {
      before.failed ||= failed;
      continue;
    }
    const bar = { lane, from, to, service: span.service, failed };
    bars.push(bar);
    last[lane] = bar;
  }
  return bars;
}

/** A selection of the minimap between two shares, in milliseconds from the start of the trace; undefined where it is too narrow to be meant. */
export function stretchOf(
  one: number,
  other: number,
  durationMs: number,
): { readonly offset: number; readonly durationMs: number } | undefined {
  const [from, to] = [one, other].map((share) => Math.min(Math.max(share, 0), 1)).sort((a, b) => a - b);
  if (from === undefined || to === undefined || to - from < 0.005) return undefined;
  return { offset: from * durationMs, durationMs: (to - from) * durationMs };
}
