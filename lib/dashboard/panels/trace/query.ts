import { type Question, readTraceId } from '../../api/question.js';
import { type TraceAnswer, type TraceSummaryAnswer } from '../../reader/answers.interface.js';
import { markRunning } from '../traces/running.js';
import { analyseTrace, type TraceAnalysis } from './analysis/analyse-trace.js';
import { medianTimeByKind, type TimeKind } from './analysis/time-kinds.js';

/** One trace with its spans and log lines, and why it took as long as it did. */
export interface AnalysedTrace extends TraceAnswer {
  readonly analysis: TraceAnalysis;
}

/** What of an imported file is in the store now. */
export interface ImportAnswer {
  readonly traceIds: readonly string[];
  /** Those that were not there before. */
  readonly spans: number;
  readonly logs: number;
}

/** Addresses of the panel, and their answers. */
export interface TraceApi {
  readonly 'GET traces/:traceId': AnalysedTrace;
  /** `resourceSpans` and `resourceLogs` of OTLP. */
  readonly 'GET traces/:traceId/otlp': object;
  readonly 'POST traces/import': ImportAnswer;
}

/** Traces of the same route whose times are compared. */
const MEDIAN_TRACES = 30;
/** Of all of them together; larger traces are left out, because the page waits. */
const MEDIAN_SPANS = 3_000;

export async function askTrace(question: Question): Promise<AnalysedTrace | undefined> {
  const { running, reader, work, params, signal } = question;
  const trace = await reader.trace(readTraceId(params.traceId ?? ''), { signal });
  if (trace === undefined) return undefined;
  const medians = await readMedians(question, trace.summary);
  const [summary = trace.summary] = markRunning([trace.summary], running);
  return { ...trace, summary, analysis: await work(analyseTrace(trace.spans, medians)) };
}

async function readMedians(
  { reader, work, signal }: Question,
  { service, route, traceId, name }: TraceSummaryAnswer,
): Promise<Readonly<Record<TimeKind, number>> | undefined> {
  if (route === undefined) return undefined;
  let spans = 0;
  const { items } = await reader.traces({ service, route, limit: MEDIAN_TRACES }, { signal });
  const others = items.filter(
    (other) =>
      other.traceId !== traceId &&
      // A route may be entered further down, in traces about something else.
      other.name === name &&
      (spans += other.spanCount) <= MEDIAN_SPANS,
  );
  const found = await reader.spans(
    others.map((other) => other.traceId),
    { signal },
  );
  return work(medianTimeByKind([...found.values()]));
}
