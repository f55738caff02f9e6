import { ATTR_EXCEPTION_STACKTRACE } from '../../../config/semantic-conventions.constants.js';
import { type Question, readTraceId } from '../../api/question.js';
import { type TraceAnswer, type TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { textOf } from '../../reader/host-of.js';
import { type ReadSources, type SourcedStack, sourceStack } from '../../sources/source-stack.js';
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

/** The stacks of the exceptions that a span has recorded. */
export interface StacksAnswer {
  /** One for each event `exception`, in their order, at most five; empty where it has no stack. */
  readonly stacks: readonly SourcedStack[];
}

/** Addresses of the panel, and their answers. */
export interface TraceApi {
  readonly 'GET traces/:traceId': AnalysedTrace;
  readonly 'GET traces/:traceId/spans/:spanId/stacks': StacksAnswer;
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

/** Whose source is read. */
const MAX_STACKS = 5;

/** @param readSources undefined where no source is to be shown */
export async function askStacks(
  { reader, params, signal }: Question,
  readSources: ReadSources | undefined,
): Promise<StacksAnswer | undefined> {
  const traceId = readTraceId(params.traceId ?? '');
  const spans = (await reader.spans([traceId], { signal })).get(traceId) ?? [];
  const span = spans.find(({ spanId }) => spanId === params.spanId);
  if (span === undefined) return undefined;
  const exceptions = span.events.filter(({ name }) => name === 'exception').slice(0, MAX_STACKS);
  const stacks: SourcedStack[] = [];
  // One after the other: reading source maps blocks the event loop for some milliseconds.
  for (const { attributes } of exceptions)
    stacks.push(await sourceStack(textOf(attributes, ATTR_EXCEPTION_STACKTRACE), readSources));
  return { stacks };
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
