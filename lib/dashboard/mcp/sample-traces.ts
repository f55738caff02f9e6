import { type PlacedSpan, placeSpans, walk } from '../panels/trace/analysis/place-spans.js';
import { type SpanAnswer } from '../reader/answers.interface.js';
import { type TimeRange } from '../reader/telemetry-reader.interface.js';
import { type Steps } from '../steps.js';
import { type ToolCall } from './mcp-tool.interface.js';

/** How much of a time range was read. */
export interface Sample {
  readonly traces: number;
  readonly spans: number;
  /** Whether these are all traces of the range. */
  readonly complete: boolean;
}

const PAGE = 100;
const MAX_TRACES = 500;
/** Of all traces together; traces that would exceed it are left out. */
const MAX_SPANS = 20_000;

/** Calls `visit` for every span of the newest traces of a range, each at its place in its trace, and returns how much that was. */
export async function visitSpans(
  { reader, work, signal }: Pick<ToolCall, 'reader' | 'work' | 'signal'>,
  range: TimeRange,
  visit: (node: PlacedSpan) => void,
): Promise<Sample> {
  let [traces, spans] = [0, 0];
  let complete: boolean;
  let before: string | undefined;
  do {
    const page = await reader.traces({ ...range, before, limit: PAGE }, { signal });
    const chosen = page.items.filter(({ spanCount }) => {
      const fits = spans + spanCount <= MAX_SPANS;
      if (fits) spans += spanCount;
      return fits;
    });
    complete = chosen.length === page.items.length;
    const ids = chosen.map(({ traceId }) => traceId);
    await work(visitEach(await reader.spans(ids, { signal }), visit));
    traces += chosen.length;
    before = page.next;
  } while (before !== undefined && traces < MAX_TRACES && complete);
  return { traces, spans, complete: complete && before === undefined };
}

function* visitEach(
  found: ReadonlyMap<string, readonly SpanAnswer[]>,
  visit: (node: PlacedSpan) => void,
): Steps<void> {
  for (const spans of found.values()) {
    for (const root of placeSpans(spans)) for (const node of walk(root)) visit(node);
    yield;
  }
}

/** Adds up calls of one kind. */
export class CallSum {
  private readonly durations: number[] = [];
  errors = 0;
  /** The trace of the longest one. */
  traceId = '';
  private longest = -1;

  add({ traceId, durationMs, status }: SpanAnswer): void {
    this.durations.push(durationMs);
    if (status === 'error') this.errors += 1;
    if (durationMs <= this.longest) return;
    this.longest = durationMs;
    this.traceId = traceId;
  }

  get count(): number {
    return this.durations.length;
  }

  /** Of the durations, in milliseconds. */
  get p95(): number {
    const sorted = this.durations.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)] ?? 0;
  }
}
