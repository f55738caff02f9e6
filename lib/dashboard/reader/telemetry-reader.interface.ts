import { type JsonAttributes, type Page } from './answers/answer-parts.interface.js';
import { type ErrorDetailAnswer, type ErrorListAnswer, type ErrorState } from './answers/errors.interface.js';
import { type LogAnswer, type LogVolumeAnswer } from './answers/logs.interface.js';
import { type ChartAnswer, type InstrumentAnswer } from './answers/metrics.interface.js';
import { type OperationKind, type OperationListAnswer } from './answers/operations.interface.js';
import {
  type ProcessAnswer,
  type ProcessChartsAnswer,
  type ProcessHealthAnswer,
  type ProcessValuesAnswer,
} from './answers/processes.interface.js';
import { type ServiceMapAnswer } from './answers/service-map.interface.js';
import { type StoreAnswer } from './answers/store.interface.js';
import {
  type SelectionAnswer,
  type SpanAnswer,
  type TraceAnswer,
  type TraceSummaryAnswer,
} from './answers/traces.interface.js';
import {
  type DurationsAnswer,
  type OverviewAnswer,
  type RequestCountAnswer,
  type RouteAnswer,
  type RouteVersionAnswer,
  type ServiceAnswer,
  type StartAnswer,
  type TrendsAnswer,
} from './answers/traffic.interface.js';
import { type FieldFilter } from './field-filter.js';

/** A stretch of time, in milliseconds since the epoch. */
export interface TimeRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Which processes something is about, by what their resources say; an undefined part holds always. */
export interface ProcessChoice {
  /** `service.version` */
  readonly version?: string | undefined;
  /** `deployment.environment.name`, where there is none `deployment.environment`. */
  readonly environment?: string | undefined;
  /** `service.instance.id`, where there is none `host.name`. */
  readonly process?: string | undefined;
}

/** Whether only some processes are chosen. */
export function choosesProcesses({ version, environment, process }: ProcessChoice): boolean {
  return version !== undefined || environment !== undefined || process !== undefined;
}

/** By which routes something entered; an undefined part holds always. */
export interface RouteChoice {
  readonly service?: string | undefined;
  readonly route?: string | undefined;
  readonly method?: string | undefined;
}

/** Conditions of `overview()`. Where a route or a method is chosen, it is without failed work, which no route has. */
export interface OverviewFilter extends TimeRange, RouteChoice, ProcessChoice {
  /** About how many buckets; the store may round their length to what it keeps. */
  readonly buckets: number;
}

/** Conditions of `durations()`. */
export interface DurationFilter extends TimeRange, RouteChoice, ProcessChoice {
  /** At most so many bars. */
  readonly bars: number;
}

/** Conditions of `trends()`. */
export interface TrendFilter extends TimeRange, ProcessChoice {
  readonly service?: string | undefined;
  /** At most so many buckets; a store may have fewer where there are many routes. */
  readonly buckets: number;
  /** About where the last part of the range begins, which is compared with the part before. */
  readonly recentFrom: number;
}

/** Conditions of `routes()`. */
export interface RouteFilter extends TimeRange, RouteChoice, ProcessChoice {}

/** Conditions of `starts()`. */
export interface StartFilter extends TimeRange, ProcessChoice {
  readonly service?: string | undefined;
}

/** Conditions of `services()` and `processes()`. */
export interface ProcessFilter extends TimeRange, ProcessChoice {}

/** Conditions of `traces()`; all must hold, an undefined one holds always. Such a process took part in the trace. */
export interface TraceFilter extends Partial<TimeRange>, ProcessChoice {
  /** Took part in the trace. */
  readonly service?: string | undefined;
  /** Took part as well; the span or log line with the attributes is its own. */
  readonly spanService?: string | undefined;
  /** Entered a service by it, at the root or further down. */
  readonly route?: string | undefined;
  readonly method?: string | undefined;
  /** `error` and `ok`, or how the root ended: `404`, `5xx`. */
  readonly status?: string | undefined;
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
  /** One span, or one log line of the trace, has all of them. */
  readonly attributes?: readonly FieldFilter[] | undefined;
  /**
   * Part of the name, the status message or the attributes of a span, or of the message, the class or the fields of a log line of
   * the trace, in any case; or a trace id, or a header that holds one: see `traceIdIn()`.
   */
  readonly text?: string | undefined;
  /** `next` of the page before; any other text is the first page. */
  readonly before?: string | undefined;
  /** Default 50, at most 1,000. */
  readonly limit?: number | undefined;
}

/** Levels of log lines, in pino's words, with its numbers. */
export const LOG_LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

export type LogLevelName = keyof typeof LOG_LEVELS;

/** Conditions of `logs()`; all must hold, an undefined one holds always. */
export interface LogFilter extends Partial<TimeRange>, ProcessChoice {
  readonly service?: string | undefined;
  /** This level and above. */
  readonly level?: LogLevelName | undefined;
  /** Words that are all in the message, the class or the fields; each may be the beginning of one, in lines of a trace any part. */
  readonly text?: string | undefined;
  readonly fields?: readonly FieldFilter[] | undefined;
  /** The class that logged. */
  readonly context?: string | undefined;
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  /** `next` of the page before; any other text is the first page. */
  readonly before?: string | undefined;
  /** Default 100, at most 10,000. */
  readonly limit?: number | undefined;
}

/** Conditions of `logVolume()`. */
export interface LogVolumeFilter extends TimeRange, ProcessChoice {
  readonly service?: string | undefined;
  /** This level and above. */
  readonly level?: LogLevelName | undefined;
  /** About how many buckets. */
  readonly buckets: number;
}

export const ERROR_STATES = ['new', 'back', 'known', 'gone'] as const satisfies readonly ErrorState[];

/** Orders of `errors()`, each with the highest first. `state`: as in `ERROR_STATES`, of each the last seen first. */
export const ERROR_ORDERS = ['lastSeen', 'firstSeen', 'count', 'state'] as const;

/** Conditions of `errors()`; all must hold, an undefined one holds always. */
export interface ErrorFilter extends TimeRange, ProcessChoice {
  readonly service?: string | undefined;
  readonly state?: ErrorState | undefined;
  /** A route that failed with it, in the range or before, as `GET /orders/:id`. */
  readonly route?: string | undefined;
  /** Part of the type, the message or the fingerprint, in any case. */
  readonly text?: string | undefined;
  /** Default `lastSeen`. */
  readonly order?: (typeof ERROR_ORDERS)[number] | undefined;
  /** About how many buckets. */
  readonly buckets: number;
  /** Default 200, at most 1,000. */
  readonly limit?: number | undefined;
}

/** Which error `error()` is about. The range is that of `count`, `counts` and `state`, the processes those of `count` and `counts` at least. */
export interface ErrorQuestion extends TimeRange, ProcessChoice {
  readonly service: string;
  readonly fingerprint: string;
  /** About how many buckets. */
  readonly buckets: number;
}

/** Orders of `operations()`, each with the highest first. */
export const OPERATION_ORDERS = ['selfMs', 'count', 'errors', 'p95', 'perTrace'] as const;

/** Conditions of `operations()`; all must hold, an undefined one holds always. */
export interface OperationFilter extends TimeRange, ProcessChoice {
  readonly service?: string | undefined;
  readonly kind?: OperationKind | undefined;
  /** Default `selfMs`. */
  readonly order?: (typeof OPERATION_ORDERS)[number] | undefined;
  /** Default 200, at most 1,000. */
  readonly limit?: number | undefined;
}

/** Conditions of `serviceMap()`. */
export interface ServiceMapFilter extends TimeRange, ProcessChoice {
  /** Only what it calls and what calls it. */
  readonly service?: string | undefined;
  /** Edges; default 300, at most 1,000. */
  readonly limit?: number | undefined;
}

/** Conditions of `chart()`. */
export interface ChartFilter extends TimeRange, ProcessChoice {
  /** `id` of an instrument. */
  readonly instrument: number;
  /** About how many buckets. */
  readonly buckets: number;
  /** Series that have all of them. */
  readonly filters?: readonly FieldFilter[] | undefined;
  /** An attribute: a line (or three) for each of its values. Default: all together; of a gauge a line per series. */
  readonly group?: string | undefined;
}

/** Which process `process()` is about. */
export interface ProcessQuestion extends TimeRange {
  readonly service: string;
  /** `instance` of the process. */
  readonly instance: string;
  /** About how many buckets. */
  readonly buckets: number;
}

/** A region of a chart or scatter plot. */
export interface Selection extends TimeRange, ProcessChoice {
  readonly service?: string | undefined;
  readonly route?: string | undefined;
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
}

/** What every question takes. */
export interface QueryOptions {
  /**
   * Ends the question: its promise rejects with the reason of the signal. The API passes one that aborts when the visitor leaves or
   * the time for an answer is over.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Telemetry that was stored after a position. */
export interface News {
  /** Traces that got spans, oldest first. A trace comes again when more of its spans are stored. */
  readonly traces: readonly TraceSummaryAnswer[];
  /** Log lines, oldest first. */
  readonly logs: readonly LogAnswer[];
  /** Pass it to the next call. */
  readonly position: string;
}

/** New telemetry as it is stored, by any process. */
export interface LiveFeed {
  /**
   * What was stored since `after`: at most 500 traces and 500 log lines, the newest. Undefined: nothing yet, only the position of now.
   * Asked twice a second while a page is open.
   */
  news(after: string | undefined, options?: QueryOptions): Promise<News>;
}

/**
 * All questions of the page and its API to a database. The page shows whatever database answers them; `describeTelemetryReader()` of
 * `test/dashboard/reader/` holds each implementation to these promises:
 *
 * - Filters mean what they say, whatever characters are in them: no text is ever part of a query language.
 * - A `ProcessChoice` holds for what is counted: the spans, lines and reports of such processes. Where sums have no processes, the newest
 *   spans are counted, and the answer says since when.
 * - Unknown services, ids and cursors are no errors: the answer is empty, or undefined where it is about one thing.
 * - Questions run beside each other and give up the event loop; a question that looks through much data may return a shorter page.
 * - An aborted signal rejects the promise with its reason, before and while the database works.
 */
export interface TelemetryReader {
  /** Every service that has ever reported, of chosen processes only their services, busiest first; the numbers are those of the range. */
  services(filter: ProcessFilter, options?: QueryOptions): Promise<readonly ServiceAnswer[]>;

  /** Rate, errors and quantiles of requests over time. */
  overview(filter: OverviewFilter, options?: QueryOptions): Promise<OverviewAnswer>;

  /** How many requests took how long. */
  durations(filter: DurationFilter, options?: QueryOptions): Promise<DurationsAnswer>;

  /** Services and routes that were called in the range, each over time, and what each route did in the last part and before. */
  trends(filter: TrendFilter, options?: QueryOptions): Promise<TrendsAnswer>;

  /** Routes that were called in the range, and declared ones that were not; most called first. */
  routes(filter: RouteFilter, options?: QueryOptions): Promise<readonly RouteAnswer[]>;

  /**
   * What each version of a service has answered by each route, over all that is kept (a day at least), the newest version first. Without
   * services that have no `service.version`.
   */
  routeVersions(
    filter: { readonly service?: string | undefined },
    options?: QueryOptions,
  ): Promise<readonly RouteVersionAnswer[]>;

  /**
   * Processes that started in the range, the last at the end; of very many the last 500. Processes differ by
   * `service.instance.id`, where there is none by the attributes of their resource.
   */
  starts(filter: StartFilter, options?: QueryOptions): Promise<readonly StartAnswer[]>;

  /** Traces, newest first. */
  traces(filter: TraceFilter, options?: QueryOptions): Promise<Page<TraceSummaryAnswer>>;

  /** One trace, with at most 20,000 spans and 10,000 log lines; undefined when it is not stored. */
  trace(traceId: string, options?: QueryOptions): Promise<TraceAnswer | undefined>;

  /** Those of the traces that are stored, by their ids. */
  summaries(
    traceIds: readonly string[],
    options?: QueryOptions,
  ): Promise<ReadonlyMap<string, TraceSummaryAnswer>>;

  /** The spans of each trace that is stored, by its id, in the order of their start and without `source`. */
  spans(
    traceIds: readonly string[],
    options?: QueryOptions,
  ): Promise<ReadonlyMap<string, readonly SpanAnswer[]>>;

  /** Attributes of the resources that took part in a trace, by the name of the service; the newest of each. */
  resources(traceId: string, options?: QueryOptions): Promise<Readonly<Record<string, JsonAttributes>>>;

  /** Log lines, newest first; a store with an index of words may return those found by `text` in the order they were written. */
  logs(filter: LogFilter, options?: QueryOptions): Promise<Page<LogAnswer>>;

  /** How many log lines of each level were written over time. */
  logVolume(filter: LogVolumeFilter, options?: QueryOptions): Promise<LogVolumeAnswer>;

  /**
   * Errors by service and fingerprint: those of the range, and those that are gone. Each exception counts once per service, where it was
   * recorded first. Log lines of level error count outside of traces; in a trace, perhaps some time later, those with an exception that no
   * failed span has. Errors are kept longer than spans.
   */
  errors(filter: ErrorFilter, options?: QueryOptions): Promise<ErrorListAnswer>;

  /** One error; undefined when it is not stored. */
  error(question: ErrorQuestion, options?: QueryOptions): Promise<ErrorDetailAnswer | undefined>;

  /**
   * Statements, calls, methods and what enters, added up over the traces that begin in the range, which may grow to whole minutes. A store
   * may leave out the older ones of very many; the answer says since when it counts. A store may count what each process has of a trace as
   * a trace.
   */
  operations(filter: OperationFilter, options?: QueryOptions): Promise<OperationListAnswer>;

  /**
   * Which service calls which service, database, queue or host in the traces that begin in the range. A store may leave out the older ones
   * of very many; rates are those of the time that is covered.
   */
  serviceMap(filter: ServiceMapFilter, options?: QueryOptions): Promise<ServiceMapAnswer>;

  /**
   * How many HTTP requests each route had in the range by what processes counted, whatever share of them was recorded as spans. A store may
   * know it of the last two hours only.
   */
  requestCounts(range: TimeRange, options?: QueryOptions): Promise<readonly RequestCountAnswer[]>;

  /** What the resources say that have reported in the range, by which a `ProcessChoice` is made; of one service, or of all. */
  processValues(
    filter: TimeRange & { readonly service?: string | undefined },
    options?: QueryOptions,
  ): Promise<ProcessValuesAnswer>;

  /** Every instrument that has reported, by service and name; of one service, or of all. */
  instruments(service: string | undefined, options?: QueryOptions): Promise<readonly InstrumentAnswer[]>;

  /** An instrument over time; undefined when it is not stored. */
  chart(filter: ChartFilter, options?: QueryOptions): Promise<ChartAnswer | undefined>;

  /** Processes that reported any of `PROCESS_METRICS` in the range, the last seen first; at most 200. */
  processes(filter: ProcessFilter, options?: QueryOptions): Promise<readonly ProcessAnswer[]>;

  /** How one process did over time; undefined when it is not stored. */
  process(question: ProcessQuestion, options?: QueryOptions): Promise<ProcessChartsAnswer | undefined>;

  /**
   * Processes that said in the range how their telemetry does, the last seen first; at most 200. A store that the processes themselves write
   * knows all of it, another one what the metrics `otel.sdk.*` say.
   */
  processHealth(range: TimeRange, options?: QueryOptions): Promise<readonly ProcessHealthAnswer[]>;

  /** What the traces that entered in a region have more often than the others of the same service and route. */
  selection(selection: Selection, options?: QueryOptions): Promise<SelectionAnswer>;

  /** How full the store is, and since when it has data. */
  health(options?: QueryOptions): Promise<StoreAnswer>;

  /** True where the database has metrics only of all processes of a service together: `chart()` then ignores a `ProcessChoice`. */
  readonly addsUpMetrics?: boolean | undefined;

  /** New telemetry as it comes; undefined where the database cannot tell. The page then asks again every few seconds. */
  readonly live?: LiveFeed | undefined;

  /** Called for each request of the page; the embedded store then has its processes look for source files. */
  markViewed?(): void;
}
