/**
 * The answers of a `TelemetryReader`. Instants and durations are milliseconds (instants since the epoch), ids are lower-case
 * hexadecimal. The dashboard sends them as JSON, version 1 of its API: fields are added, never renamed or removed.
 */

import { type FieldFilter } from './field-filter.js';
import { type ProcessMetric } from './process-metrics.js';

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type JsonAttributes = Readonly<Record<string, JsonValue>>;

/** Some of the items that match, and where to continue. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Pass it as `before` for the next page; undefined at the end. A page may have fewer items than asked for, and still a next one. */
  readonly next: string | undefined;
  /** How many match in all; undefined where counting them takes long, and after the first page. */
  readonly total?: number | undefined;
}

/** A number of a chart that leads to a trace. */
export interface ExemplarAnswer {
  readonly time: number;
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly error: boolean;
  readonly label: string;
}

/** A line of a file on the machine of the process that declared it. */
export interface SourceAnswer {
  /** An absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Lines of a source file around one. */
export interface SourceExcerptAnswer extends SourceAnswer {
  /** The number of the first of `lines`. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** The traffic of a service. */
export interface ServiceAnswer {
  readonly name: string;
  readonly version: string;
  readonly environment: string;
  /** Requests, messages and runs that entered the service. */
  readonly count: number;
  readonly perSecond: number;
  /** 0 to 1. */
  readonly errorShare: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /**
   * Spans of failed work that no failed request, message or run includes: work after the answer, or a method whose error was
   * caught. Of spans within each other the outermost counts; calls of clients do not.
   */
  readonly failedWork: number;
  /** Stored log lines of level error and above. */
  readonly errorLogs: number;
  readonly lastSeen: number;
}

/** A service over time; every list has an entry per bucket. */
export interface OverviewAnswer {
  readonly times: readonly number[];
  readonly perSecond: readonly number[];
  readonly errorsPerSecond: readonly number[];
  /** See `ServiceAnswer`. */
  readonly failedWorkPerSecond: readonly number[];
  /** null where nothing was recorded. */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  /**
   * Of each bucket the slowest entries that succeeded, and the slowest of those that failed and of failed work; value is the
   * duration.
   */
  readonly exemplars: readonly ExemplarAnswer[];
  /** Of which traces the requests of chosen processes were counted; undefined where all of the range are. */
  readonly coverage?: CoverageAnswer | undefined;
}

export interface RouteAnswer {
  readonly service: string;
  /** An HTTP method, or `RPC`, `CONSUME` (a message), `RUN` (a job or anything else that began by itself). */
  readonly method: string;
  readonly route: string;
  /** `Class.method`; undefined when it is not known. */
  readonly handler: string | undefined;
  /** Where the handler was written; undefined when it is not known. */
  readonly source?: SourceAnswer | undefined;
  readonly count: number;
  readonly perSecond: number;
  readonly errorShare: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly lastSeen: number | null;
}

/** Requests by how long they took. */
export interface DurationsAnswer {
  readonly count: number;
  /**
   * From the shortest to the longest that was there, also those in between that are empty: each from the end of the one before,
   * exclusive, and all equally wide on a logarithmic scale.
   */
  readonly bars: readonly { readonly from: number; readonly to: number; readonly count: number }[];
}

/** What a route did in a time. */
export interface RouteFiguresAnswer {
  readonly count: number;
  /** 0 to 1. */
  readonly errorShare: number;
  /** null where nothing entered. */
  readonly p50: number | null;
  readonly p95: number | null;
}

/** A service over time; every list has an entry per bucket. */
export interface ServiceTrendAnswer {
  readonly service: string;
  readonly perSecond: readonly number[];
  readonly errorsPerSecond: readonly number[];
  readonly p95: readonly (number | null)[];
}

/** A route over time. */
export interface RouteTrendAnswer {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  /** An entry per bucket, null where nothing entered. */
  readonly p95: readonly (number | null)[];
  /** In all of the range, since `recentFrom`, and before that. */
  readonly all: RouteFiguresAnswer;
  readonly recent: RouteFiguresAnswer;
  readonly earlier: RouteFiguresAnswer;
}

export interface TrendsAnswer {
  readonly times: readonly number[];
  /** The begin of a bucket. */
  readonly recentFrom: number;
  readonly services: readonly ServiceTrendAnswer[];
  readonly routes: readonly RouteTrendAnswer[];
  /** See `OverviewAnswer`. */
  readonly coverage?: CoverageAnswer | undefined;
}

/** A route as one version of its service answered it. */
export interface RouteVersionAnswer {
  readonly service: string;
  /** `service.version`, never empty. */
  readonly version: string;
  readonly method: string;
  readonly route: string;
  readonly count: number;
  /** 0 to 1. */
  readonly errorShare: number;
  readonly p50: number;
  readonly p95: number;
  /** When it answered the first and the last one. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** How many HTTP requests a route had by `http.server.request.duration`, which is not sampled. */
export interface RequestCountAnswer {
  readonly service: string;
  readonly method: string;
  /** Empty where none matched. */
  readonly route: string;
  readonly count: number;
}

/** The start of a process of a service. */
export interface StartAnswer {
  readonly service: string;
  /** `service.version`; empty where there is none. */
  readonly version: string;
  /** When it was first heard of. */
  readonly time: number;
  /** Version of the process of the service that started last before it; undefined of the first that is known. */
  readonly previousVersion: string | undefined;
}

export interface TraceSummaryAnswer {
  readonly traceId: string;
  readonly name: string;
  readonly service: string;
  readonly route: string | undefined;
  readonly status: string | undefined;
  readonly start: number;
  readonly durationMs: number;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly services: readonly string[];
  /** Kept when older traces are deleted: it has an error, or an exemplar that is shown. */
  readonly pinned: boolean;
  /**
   * Undefined: the span that begins the trace, or that entered a service, is stored. `partial`: it is not (yet), so that name and duration
   * are those of a part. `running`: its root is open in the process that answers; name, start and duration (so far) are those of the root.
   */
  readonly state?: 'partial' | 'running' | undefined;
}

/** A request, message or run whose root has not ended. */
export interface RunningTraceAnswer {
  readonly traceId: string;
  /** The root, or the span by which it entered this process. */
  readonly spanId: string;
  readonly name: string;
  readonly service: string;
  readonly start: number;
  readonly elapsedMs: number;
}

export type SpanKindName = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface SpanEventAnswer {
  readonly name: string;
  readonly time: number;
  readonly attributes: JsonAttributes;
}

export interface SpanLinkAnswer {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: JsonAttributes;
}

export interface SpanAnswer {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly start: number;
  readonly durationMs: number;
  readonly status: 'unset' | 'ok' | 'error';
  readonly statusMessage: string | undefined;
  readonly attributes: JsonAttributes;
  readonly events: readonly SpanEventAnswer[];
  readonly links: readonly SpanLinkAnswer[];
  /** How many spans it stands for, where only a part was recorded and it says which; undefined: itself alone. */
  readonly weight?: number | undefined;
  /** Where the method of the span was written; only in the answer about one trace, and when it is known. */
  readonly source?: SourceAnswer | undefined;
}

export interface LogAnswer {
  /** Tells log lines apart: any whole number below 2^53. */
  readonly id: number;
  readonly time: number;
  /** As pino names it: trace, debug, info, warn, error, fatal. */
  readonly level: string;
  readonly service: string;
  readonly context: string | undefined;
  readonly message: string;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly attributes: JsonAttributes;
}

/** Log lines over time. */
export interface LogVolumeAnswer {
  /** Begin of each bucket; the first may begin before the range, but has only its lines. */
  readonly times: readonly number[];
  /** How many lines each bucket has, by level; levels without lines are left out. */
  readonly counts: Readonly<Record<string, readonly number[]>>;
  /** Since when lines of chosen processes were counted, where older ones were left out. */
  readonly since?: number | undefined;
}

/** One trace with all its spans and log lines. */
export interface TraceAnswer {
  readonly summary: TraceSummaryAnswer;
  /** In the order of their start. */
  readonly spans: readonly SpanAnswer[];
  /** Oldest first. */
  readonly logs: readonly LogAnswer[];
}

/**
 * How an error of a range compares with the time before. `new`: first seen in the range, or not before the version that the service runs now.
 * `back`: seen again in the range, but not in the time before that is as long (an hour at least). `gone`: not seen in the range.
 * `known`: any other.
 */
export type ErrorState = 'new' | 'known' | 'gone' | 'back';

/** Users of one error that are counted. */
export const MAX_COUNTED_USERS = 500;

/** Exceptions of one service with one fingerprint, and other failures of one kind. */
export interface ErrorAnswer {
  readonly service: string;
  /** `exception.fingerprint`; with the service it names the error. */
  readonly fingerprint: string;
  /** Class of the exception; `error.type` of a span that failed without one, the class that logged of a line without one. */
  readonly type: string;
  /** Of a recent one, at most 1,000 characters. */
  readonly message: string;
  readonly state: ErrorState;
  /** In the range, to whole slots of the store. */
  readonly count: number;
  /** Since the first. */
  readonly total: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** `service.version` in which it was first and last seen; empty where there was none. */
  readonly firstVersion: string;
  readonly lastVersion: string;
  /** How many in each bucket of the range. */
  readonly counts: readonly number[];
  /** The route that failed with it most often, as `GET /orders/:id`; undefined where none did. */
  readonly route: string | undefined;
  /** Users whose requests failed with it, by `user.hash` or `user.id`, of all that is kept; `MAX_COUNTED_USERS`: so many or more. */
  readonly users: number;
  /** The newest of which the trace is stored; undefined where none is, such as of log lines outside of traces. */
  readonly sample: { readonly traceId: string; readonly spanId: string } | undefined;
}

export interface ErrorListAnswer {
  /** The begin of each bucket of `counts`. */
  readonly times: readonly number[];
  readonly errors: readonly ErrorAnswer[];
  /** How many there are of each state, whatever `state` and `limit` of the filter say. */
  readonly states: Readonly<Record<ErrorState, number>>;
  /**
   * Of which failed traces `count` and `counts` are those of chosen processes, where their spans were counted; what else is said of an error
   * is then that of all. Undefined where there was no need to.
   */
  readonly coverage?: CoverageAnswer | undefined;
}

/** What an error had in common with others: how often and when, of all that is kept. */
export interface ErrorPartAnswer {
  readonly value: string;
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** One error. */
export interface ErrorDetailAnswer extends ErrorAnswer {
  /** The begin of each bucket of `counts`. */
  readonly times: readonly number[];
  /** Of a recent one, with the stacks of its causes, at most 16,384 characters. */
  readonly stack: string | undefined;
  /** Versions of the service, the newest first. */
  readonly versions: readonly ErrorPartAnswer[];
  /** Requests, messages and runs that failed with it, as `GET /orders/:id`, the most frequent first. */
  readonly routes: readonly ErrorPartAnswer[];
  /** The users whose requests failed with it last, the last first, at most 100. */
  readonly affectedUsers: readonly ErrorPartAnswer[];
  /** The newest, at most 20. One without a trace is a log line, or its trace is not stored any more. */
  readonly samples: readonly {
    readonly time: number;
    readonly traceId: string | undefined;
    readonly spanId: string | undefined;
  }[];
}

export interface InstrumentAnswer {
  /** Tells instruments apart: any whole number below 2^53, the same as long as the instrument is stored. Pass it to `chart()`. */
  readonly id: number;
  readonly service: string;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: 'counter' | 'updowncounter' | 'gauge' | 'histogram';
  /** Attribute names and the values seen. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** A line of a chart; every list has an entry per bucket, null where nothing was recorded. */
export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /**
   * Gauge: the lowest and the highest value of each bucket. Histogram: the bounds between which the quantile lies. Undefined for
   * others.
   */
  readonly min?: readonly (number | null)[];
  readonly max?: readonly (number | null)[];
}

/**
 * An instrument over time. A counter is a rate per second, a histogram three quantiles, of which none is above the highest or below the
 * lowest value that was recorded. Anything else is its value, of a name that ends in `.max` the highest, in `.min` the lowest of each
 * bucket. The value of an exemplar is what was measured, of a counter what was added.
 */
export interface ChartAnswer {
  readonly instrument: InstrumentAnswer;
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  /** Of each bucket the largest of a trace without failed spans, and of one with. */
  readonly exemplars: readonly ExemplarAnswer[];
}

/** Values of a `ProcessChoice`, each list by name. */
export interface ProcessValuesAnswer {
  readonly versions: readonly string[];
  readonly environments: readonly string[];
  readonly processes: readonly string[];
}

/** A process that reported how it does. */
export interface ProcessAnswer {
  readonly service: string;
  /** `service.instance.id`; empty where the process has none. */
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  /** undefined where the process does not say it. */
  readonly pid?: number | undefined;
  readonly host?: string | undefined;
  /** The first and the last report that is kept. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** What a process has sent of one signal. Numbers count since its start, or since they are known. */
export interface ProcessExporterAnswer {
  readonly signal: 'traces' | 'metrics' | 'logs';
  /** Protocol in words; the types of the exporters where only their metrics are known. */
  readonly name: string;
  /** Empty where it is not known. */
  readonly endpoint: string;
  readonly exported: number;
  readonly failed: number;
  readonly dropped: number;
  /** Those that failed and were dropped, by `error.type`: `rejected`, `queue_full`, a status or the class of an error. */
  readonly lostBy: Readonly<Record<string, number>>;
  /** Items that wait, and how many may; undefined where it has no queue. */
  readonly queued?: number | undefined;
  readonly queueCapacity?: number | undefined;
  readonly lastSuccess?: number | undefined;
  readonly lastError?: { readonly message: string; readonly at: number } | undefined;
  /** Since when sending fails, and is tried again; undefined where it does not fail. */
  readonly failingSince?: number | undefined;
}

/** What a process says of its telemetry. Where only its metrics are known, the optional parts are not there. */
export interface ProcessReport {
  readonly exporters: readonly ProcessExporterAnswer[];
  /** Rows of the embedded store that this process has lost, and that wait. */
  readonly store?: { readonly dropped: number; readonly queued: number } | undefined;
  readonly warnings?:
    | {
        /** How many there were, logged or not. */
        readonly count: number;
        /** The latest first, at most 5. */
        readonly latest: readonly { readonly message: string; readonly at: number; readonly count: number }[];
      }
    | undefined;
  /** Client libraries whose calls are not recorded, at most 20. */
  readonly notRecorded?:
    | readonly {
        readonly name: string;
        readonly version?: string | undefined;
        readonly reason?: string | undefined;
      }[]
    | undefined;
}

/** A process, and how its telemetry does. */
export interface ProcessHealthAnswer extends ProcessReport {
  readonly service: string;
  /** `service.instance.id`; empty where the process has none. */
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  readonly pid?: number | undefined;
  readonly host?: string | undefined;
  /** When it started; where it does not say that, when it was first heard of. */
  readonly started: number;
  readonly lastSeen: number;
  /** `ended`: it said so. `silent`: it has not reported for so long that it was killed, hangs, or cannot reach the database. */
  readonly state: 'running' | 'silent' | 'ended';
}

/** One metric of a process over time; every list has an entry per bucket, null where nothing was reported. */
export interface ProcessSeries {
  readonly metric: ProcessMetric;
  /** Value of the attribute that distinguishes the lines of the metric; empty where there is one line. */
  readonly label: string;
  /** The value that held; of what adds up (durations, counters) the sum per second. */
  readonly values: readonly (number | null)[];
  /** The highest value. Of durations the mean of one. */
  readonly peaks: readonly (number | null)[];
}

/** A process over time. */
export interface ProcessChartsAnswer {
  readonly process: ProcessAnswer;
  readonly times: readonly number[];
  /** By metric and label. */
  readonly series: readonly ProcessSeries[];
}

/**
 * What the traces of a region have more often than the others, most telling first: only what at least two of them and 5 % have, and more of
 * them than chance explains. The same question about the same traces has the same answer.
 */
export interface SelectionAnswer {
  readonly selected: number;
  readonly others: number;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: string;
    readonly selectedShare: number;
    readonly otherShare: number;
    /** Attributes that the same traces have, at most ten: they have no separate row. */
    readonly alike: readonly { readonly key: string; readonly value: string }[];
  }[];
  readonly traces: readonly TraceSummaryAnswer[];
}

/** Of which traces sums are made. */
export interface CoverageAnswer {
  readonly traces: number;
  readonly spans: number;
  /** The begin of the time that is covered: later than that of the range where older traces were left out. */
  readonly since: number;
  /** Whether all stored traces that begin in the range are counted. */
  readonly complete: boolean;
}

export const OPERATION_KINDS = ['request', 'message', 'job', 'method', 'statement', 'call', 'send'] as const;

/**
 * `request` and `message`: what enters a service. `job`: an internal span without a parent. `method`: an internal span inside of another.
 * `statement`: a client span of a database. `call`: any other client span. `send`: a message that is sent.
 */
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Spans of one service, kind, name and target, added up over traces. */
export interface OperationAnswer {
  readonly service: string;
  readonly kind: OperationKind;
  /**
   * `db.query.summary` or `db.query.text` of a statement, `db.operation.name` where the text would have the key, else the name of the
   * spans: at most 200 characters; `(other)` for those beyond the bound.
   */
  readonly name: string;
  /** Database, host or destination. */
  readonly target: string | undefined;
  /** By which `traces()` finds them; undefined where that is their name. */
  readonly attribute: { readonly key: string; readonly value: string } | undefined;
  readonly count: number;
  readonly errors: number;
  /**
   * Time in which none of their children ran, in total. A child counts only within the time of its parent; a store may leave out one that
   * ends after its parent. What enters a service is no child: a call lasts until it is answered.
   */
  readonly selfMs: number;
  readonly totalMs: number;
  readonly p95: number;
  /** How often a trace that has it has it, on average, or what one process has of a trace. */
  readonly perTrace: number;
}

/** Operations, the highest first. */
export interface OperationListAnswer extends CoverageAnswer {
  readonly operations: readonly OperationAnswer[];
  /** How many operations match in all. */
  readonly total: number;
}

export const MAP_NODE_KINDS = ['service', 'database', 'queue', 'host'] as const;

/** A `host` has no spans of its own; a service that has is a `service`, by whatever name it is called. */
export type MapNodeKind = (typeof MAP_NODE_KINDS)[number];

/** What calls, or is called. */
export interface MapNodeAnswer {
  /** Tells the nodes of an answer apart. */
  readonly id: string;
  readonly kind: MapNodeKind;
  /**
   * Of a database its namespace, of a queue its destination, of a host its address with the port; the address or the system where there is
   * none.
   */
  readonly name: string;
  /** `postgresql`, `kafka`, `grpc`; undefined of a service, and where it is not known. */
  readonly system: string | undefined;
  /** Host and port of a database that has another name. */
  readonly address: string | undefined;
  /** With which `traces()` finds the calls of it; none of a service. */
  readonly conditions: readonly FieldFilter[];
}

/**
 * Calls between two nodes. The spans of the caller count, also those of which the other side recorded nothing; where it is a queue or not
 * recorded, those of the service that was entered.
 */
export interface MapEdgeAnswer {
  /** `id` of a node; undefined: no recorded span called. */
  readonly from: string | undefined;
  /** `id` of a node; the same as `from` of a service that calls itself. */
  readonly to: string;
  /** `message`: nothing waits for it to be processed. */
  readonly kind: 'call' | 'message';
  readonly count: number;
  /** Calls per second of the time that is covered. */
  readonly perSecond: number;
  readonly errors: number;
  /** To a queue of the sending, from a queue of the processing. */
  readonly p95: number;
  /**
   * What the spans that count have in common: with it, and the service whose spans they are as `spanService`, `traces()` finds them. Empty
   * where they have no attribute in common: then the traces have them in which both services took part, and others perhaps.
   */
  readonly conditions: readonly FieldFilter[];
  /** The span that took longest of those that are counted. */
  readonly slowest: { readonly traceId: string; readonly spanId: string };
}

/** What calls what, the edges with the most calls first. */
export interface ServiceMapAnswer extends CoverageAnswer {
  /** Those of the edges, and services without any: at most 1,000. */
  readonly nodes: readonly MapNodeAnswer[];
  readonly edges: readonly MapEdgeAnswer[];
  /** How many edges there are in all. */
  readonly total: number;
}

/** How full the store is. Only a store embedded in the application knows the optional numbers. */
export interface StoreAnswer {
  readonly bytes: number;
  readonly spans: number;
  readonly logs: number;
  readonly points: number;
  /** The oldest span or log line. */
  readonly oldest: number | undefined;
  /** Time of the oldest data of any kind: metrics stay longer than spans. */
  readonly since: number | undefined;
  /** An absolute path, or `:memory:`. */
  readonly file?: string;
  /** Size at which old data is deleted. */
  readonly maxBytes?: number;
  /** Rows of this process that wait to be written. */
  readonly queued?: number;
  /** Rows that were deleted to make room, by all processes, since the file was created. */
  readonly evicted?: number;
  /** Rows that were lost, in all processes, since the file was created. */
  readonly dropped?: number;
}
