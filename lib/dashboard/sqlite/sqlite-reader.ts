import { type TelemetryReader } from '../reader/telemetry-reader.interface.js';
import { isSteps, type Steps, TimeSlice } from '../steps.js';
import { readChart } from './queries/charts.js';
import { findProcessValues } from './queries/chosen-processes.js';
import { findErrors, readError } from './queries/errors.js';
import { findLogs } from './queries/find-logs.js';
import { findTraces } from './queries/find-traces.js';
import { readNews } from './queries/follow.js';
import { findInstruments } from './queries/instruments.js';
import { countLogVolume } from './queries/log-volume.js';
import { findOperations } from './queries/operations.js';
import { findRoutes, findServices, readDurations, readOverview } from './queries/overview.js';
import { findProcessHealth } from './queries/process-health.js';
import { findProcesses, readProcess } from './queries/processes.js';
import { rankSelection } from './queries/rank-selection.js';
import { readStore } from './queries/read-store.js';
import { readResourcesOfTrace, readSpans, readTrace, readTraceSummary } from './queries/read-trace.js';
import { countRequests } from './queries/request-counts.js';
import { findRouteVersions } from './queries/route-versions.js';
import { findServiceMap } from './queries/service-map.js';
import { findStarts } from './queries/starts.js';
import { findTrends } from './queries/trends.js';
import { type Question } from './query-scheduler.js';
import { type TelemetryStore } from './store.js';

/** Answers the questions of the page from the embedded store. */
export function createSqliteReader(store: TelemetryStore): TelemetryReader {
  const ask = <T>(question: Question<T>, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<T> =>
    store.ask(signal === undefined ? question : (database) => abortable(() => question(database), signal));
  /** Of sums that are written now and then: what this process has added up is in the answer. */
  const askSums: typeof ask = async (question, options) => {
    options?.signal?.throwIfAborted();
    await store.writeSums();
    return ask(question, options);
  };
  return {
    services: (filter, options) => ask((database) => findServices(database, filter), options),
    overview: (filter, options) => ask((database) => readOverview(database, filter), options),
    durations: (filter, options) => ask((database) => readDurations(database, filter), options),
    trends: (filter, options) => ask((database) => findTrends(database, filter), options),
    routes: (filter, options) => ask((database) => findRoutes(database, filter), options),
    routeVersions: (filter, options) =>
      askSums((database) => findRouteVersions(database, filter.service), options),
    starts: (filter, options) => ask((database) => findStarts(database, filter), options),
    traces: (filter, options) => ask((database) => findTraces(database, filter), options),
    trace: (traceId, options) => ask((database) => readTrace(database, traceId), options),
    summaries: (traceIds, options) =>
      ask((database) => readEach(traceIds, (id) => readTraceSummary(database, id)), options),
    spans: (traceIds, options) =>
      ask(
        (database) =>
          readEach(traceIds, function* (id) {
            const spans = yield* readSpans(database, id);
            return spans.length > 0 ? spans : undefined;
          }),
        options,
      ),
    resources: (traceId, options) => ask((database) => readResourcesOfTrace(database, traceId), options),
    logs: (filter, options) => ask((database) => findLogs(database, filter), options),
    logVolume: (filter, options) => ask((database) => countLogVolume(database, filter), options),
    errors: (filter, options) => askSums((database) => findErrors(database, filter), options),
    error: (question, options) => askSums((database) => readError(database, question), options),
    operations: (filter, options) => askSums((database) => findOperations(database, filter), options),
    serviceMap: (filter, options) => ask((database) => findServiceMap(database, filter), options),
    requestCounts: (range, options) => ask((database) => countRequests(database, range), options),
    processValues: (filter, options) => ask((database) => findProcessValues(database, filter), options),
    addsUpMetrics: true,
    instruments: (service, options) => ask((database) => findInstruments(database, service), options),
    chart: (filter, options) => ask((database) => readChart(database, filter), options),
    processes: (filter, options) => ask((database) => findProcesses(database, filter), options),
    process: (question, options) => ask((database) => readProcess(database, question), options),
    processHealth: (range, options) => askSums((database) => findProcessHealth(database, range), options),
    selection: (selection, options) => ask((database) => rankSelection(database, selection), options),
    health: async (options) => {
      const { file, limits, queued } = store;
      const counts = await ask((database) => readStore(database), options);
      return { file, maxBytes: limits.maxBytes, queued, ...counts };
    },
    live: {
      news: (after, options) => ask((database) => readNews(database, after), options),
    },
    markViewed: () => {
      store.markViewed();
    },
  };
}

/** SQLite cannot be interrupted within a step: a question ends between two of them. */
function* abortable<T>(begin: () => T | Steps<T>, signal: AbortSignal): Steps<T> {
  signal.throwIfAborted();
  const answer = begin();
  if (!isSteps(answer)) return answer;
  for (;;) {
    signal.throwIfAborted();
    const { done, value } = answer.next();
    if (done === true) return value;
    yield;
  }
}

/** The answers about those traces that are stored, by their ids. */
function* readEach<T>(
  traceIds: readonly string[],
  ask: (traceId: string) => T | undefined | Steps<T | undefined>,
): Steps<Map<string, T>> {
  const found = new Map<string, T>();
  const turn = new TimeSlice();
  for (const traceId of traceIds) {
    const read = ask(traceId);
    const answer = isSteps(read) ? yield* read : read;
    if (answer !== undefined) found.set(traceId, answer);
    if (turn.isOverNow()) yield* turn.pass();
  }
  return found;
}
