import { type ClickHouseConfig } from '../../config/clickhouse.js';
import { type TelemetryReader } from '../reader/telemetry-reader.interface.js';
import { findOperations, findServiceMap } from './add-up-traces.js';
import { readChart } from './chart.js';
import { ClickHouse } from './clickhouse.js';
import { findErrors, readError } from './errors.js';
import { countLogVolume, findLogs } from './find-logs.js';
import { findTraces } from './find-traces.js';
import { findInstruments } from './instruments.js';
import { findRoutes, findRouteVersions, findServices, readOverview } from './overview.js';
import { findProcessHealth } from './process-health.js';
import { findProcesses, findProcessValues, readProcess } from './processes.js';
import { findStarts, readStore } from './read-store.js';
import { readResources, readSpans, readSummaries, readTrace } from './read-traces.js';
import { countRequests } from './request-counts.js';
import { rankSelection } from './selection.js';
import { findDurations, findTrends } from './trends.js';

/** A reader that holds connections. */
export interface ClosableReader extends TelemetryReader {
  /** Ends its connections. */
  close(): void;
}

/**
 * Answers the questions of the page from the tables that the Collector's clickhouse exporter fills. Nothing is written, and no table is
 * needed but those.
 *
 * There is no live feed: rows do not say when they were written.
 */
export function createClickHouseReader(config: ClickHouseConfig): ClosableReader {
  const clickHouse = new ClickHouse(config);
  return {
    services: (filter, options) => findServices(clickHouse, filter, options),
    overview: (filter, options) => readOverview(clickHouse, filter, options),
    durations: (filter, options) => findDurations(clickHouse, filter, options),
    trends: (filter, options) => findTrends(clickHouse, filter, options),
    routes: (filter, options) => findRoutes(clickHouse, filter, options),
    routeVersions: ({ service }, options) => findRouteVersions(clickHouse, service, options),
    starts: (filter, options) => findStarts(clickHouse, filter, options),
    traces: (filter, options) => findTraces(clickHouse, filter, options),
    trace: (traceId, options) => readTrace(clickHouse, traceId, options),
    summaries: (traceIds, options) => readSummaries(clickHouse, traceIds, options),
    spans: (traceIds, options) => readSpans(clickHouse, traceIds, options),
    resources: (traceId, options) => readResources(clickHouse, traceId, options),
    logs: (filter, options) => findLogs(clickHouse, filter, options),
    logVolume: (filter, options) => countLogVolume(clickHouse, filter, options),
    errors: (filter, options) => findErrors(clickHouse, filter, options),
    error: (question, options) => readError(clickHouse, question, options),
    operations: (filter, options) => findOperations(clickHouse, filter, options),
    serviceMap: (filter, options) => findServiceMap(clickHouse, filter, options),
    requestCounts: (range, options) => countRequests(clickHouse, range, options),
    processValues: (filter, options) => findProcessValues(clickHouse, filter, options),
    instruments: (service, options) => findInstruments(clickHouse, service, options),
    chart: (filter, options) => readChart(clickHouse, filter, options),
    processes: (filter, options) => findProcesses(clickHouse, filter, options),
    process: (question, options) => readProcess(clickHouse, question, options),
    processHealth: (range, options) => findProcessHealth(clickHouse, range, options),
    selection: (selection, options) => rankSelection(clickHouse, selection, options),
    health: (options) => readStore(clickHouse, options),
    close: () => {
      clickHouse.close();
    },
  };
}
