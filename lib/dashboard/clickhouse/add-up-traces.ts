import { type CoverageAnswer } from '../reader/answers/answer-parts.interface.js';
import { type OperationListAnswer } from '../reader/answers/operations.interface.js';
import { type ServiceMapAnswer } from '../reader/answers/service-map.interface.js';
import { OperationSums, rankOperations } from '../reader/sum-operations.js';
import { ServiceMapSums } from '../reader/sum-service-map.js';
import {
  type OperationFilter,
  type ProcessChoice,
  type QueryOptions,
  type ServiceMapFilter,
} from '../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../steps.js';
import { takeStepsInTurns } from '../steps-in-turns.js';
import { type ClickHouse } from './clickhouse.js';
import { type Candidate, findCandidates } from './find-traces.js';
import { type ReadSpan, readSpans } from './read-traces.js';
import { readExtent, TimeWindows } from './time-windows.js';

/** The newest traces of a range, up to so many spans, are added up: whole traces, so that self times are right. */
const MAX_SPANS = 20_000;
/** Traces that one query finds. */
const PAGE = 1_000;
const MAX_QUERIES = 12;

/** Operations over the newest traces of the range. */
export async function findOperations(
  clickHouse: ClickHouse,
  filter: OperationFilter,
  options: QueryOptions = {},
): Promise<OperationListAnswer> {
  const sums = new OperationSums(filter.service);
  const covered = await addUpTraces(clickHouse, filter, options, (_traceId, spans) =>
    sums.addTrace(spans, new TimeSlice()),
  );
  return { ...rankOperations(sums.answers(), filter), ...covered };
}

/** What calls what in the newest traces of the range. */
export async function findServiceMap(
  clickHouse: ClickHouse,
  filter: ServiceMapFilter,
  options: QueryOptions = {},
): Promise<ServiceMapAnswer> {
  const sums = new ServiceMapSums();
  const covered = await addUpTraces(clickHouse, filter, options, (traceId, spans) =>
    sums.addTrace(traceId, spans, new TimeSlice()),
  );
  const answer = await takeStepsInTurns(sums.answer(filter, covered, new TimeSlice()));
  options.signal?.throwIfAborted();
  return answer;
}

type SummedTrace = readonly (ReadSpan & { readonly failed: boolean })[];

/** Calls `add` with the newest traces of a range, and says which these are. */
async function addUpTraces(
  clickHouse: ClickHouse,
  filter: ChosenTraces,
  options: QueryOptions,
  add: (traceId: string, spans: SummedTrace) => Steps<void>,
): Promise<CoverageAnswer> {
  const { from, to } = filter;
  const { traces, isComplete } = await chooseTraces(clickHouse, filter, options);
  const spans = await readSpans(
    clickHouse,
    traces.map(({ traceId }) => traceId),
    options,
    MAX_SPANS,
    filter,
  );
  const covered = { traces: 0, spans: 0, since: from, complete: isComplete };
  for (const { traceId, start } of traces) {
    const ofTrace = spans.get(traceId) ?? [];
    // A part of a trace whose root began before the range.
    const root = Math.round(
      (ofTrace.find(({ parentSpanId }) => parentSpanId === undefined)?.start ?? 0) * 1_000,
    );
    if (ofTrace.length === 0 || (root > 0 && root !== start)) continue;
    const summed = ofTrace.map((span) => ({ ...span, failed: span.status === 'error' }));
    await takeStepsInTurns(add(traceId, summed));
    options.signal?.throwIfAborted();
    covered.traces += 1;
    covered.spans += ofTrace.length;
    if (!isComplete) covered.since = Math.min(to, start / 1_000);
  }
  return covered;
}

type ChosenTraces = Pick<OperationFilter, 'from' | 'to' | 'service' | keyof ProcessChoice>;

/** The newest traces that together have not too many spans, newest first; at least one. */
async function chooseTraces(
  clickHouse: ClickHouse,
  { from, to, service, version, environment, process }: ChosenTraces,
  options: QueryOptions,
): Promise<{ readonly traces: readonly Candidate[]; readonly isComplete: boolean }> {
  const windows = new TimeWindows(await readExtent(clickHouse, 'traces', { from, to }, options));
  const traces: Candidate[] = [];
  const wanted = { service, version, environment, process };
  let spans = 0;
  let last: Candidate | undefined;
  for (let queries = 0; queries < MAX_QUERIES && !windows.isOver; queries += 1) {
    const found = await findCandidates(clickHouse, windows.current, wanted, last, PAGE, options);
    for (const candidate of found) {
      if (traces.length > 0 && spans + candidate.spans > MAX_SPANS) return { traces, isComplete: false };
      traces.push(candidate);
      spans += candidate.spans;
    }
    last = found.at(-1) ?? last;
    if (found.length < PAGE) windows.goBack();
  }
  return { traces, isComplete: windows.isOver };
}
