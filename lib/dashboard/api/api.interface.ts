import {
  type ChartAnswer,
  type ExemplarAnswer,
  type InstrumentAnswer,
  type JsonAttributes,
  type JsonValue,
  type LogAnswer,
  type OverviewAnswer,
  type RouteAnswer,
  type SelectionAnswer,
  type ServiceAnswer,
  type SpanAnswer,
  type SpanKindName,
  type TraceSummaryAnswer,
} from '../reader/answers.interface.js';

/**
 * The JSON that the page reads, version 1, below `<path>/api/v1`. Stable: fields are added, never renamed or removed within a
 * version. Instants are milliseconds since the epoch, durations are milliseconds, ids are lower-case hexadecimal.
 */

/** Span kinds in words. */
export type ApiSpanKind = SpanKindName;

/** What a value of an attribute or field can be in JSON. */
export type ApiValue = JsonValue;

export type ApiAttributes = JsonAttributes;

/** A number of a chart that leads to a trace. */
export type ApiExemplar = ExemplarAnswer;

/** `GET /services?from&to`: who has reported, busiest first. */
export type ApiService = ServiceAnswer;

/** `GET /overview?service&from&to&buckets`: one service over time; every list has an entry per bucket. */
export type ApiOverview = OverviewAnswer;

/** `GET /routes?service&from&to`: every route of the application that serves the page, never-hit ones too, and of others those seen. */
export type ApiRoute = RouteAnswer;

/**
 * `GET /traces?service&route&status&minMs&maxMs&attribute=key:value&text&from&to&limit&before`: newest first, an `ApiPage`. `status` is `ok`,
 * `error` or an HTTP status (`404`, `5xx`); `attribute` may be given several times, all must hold on one span of the trace; `text` is
 * looked for in names, attributes, events and logs.
 */
export type ApiTraceSummary = TraceSummaryAnswer;

export interface ApiPage<T> {
  readonly items: readonly T[];
  /** Give it as `before` for the next page; undefined at the end. */
  readonly next: string | undefined;
}

export type ApiSpanEvent = SpanAnswer['events'][number];

export type ApiSpanLink = SpanAnswer['links'][number];

export type ApiSpan = SpanAnswer;

/**
 * `GET /logs?service&level&text&attribute=key:value&traceId&spanId&from&to&limit&before`: newest first, an `ApiPage`. `level` is the lowest
 * level wanted; `attribute` may be given several times.
 */
export type ApiLog = LogAnswer;

/** Where the time of a span goes, by what it is. */
export type ApiTimeKind = 'database' | 'http' | 'cache' | 'messaging' | 'handler' | 'waiting';

/** Why this trace took as long as it did. */
export interface ApiTraceAnalysis {
  /** Spans on the longest chain of waiting, root first. */
  readonly criticalPath: readonly string[];
  /** Time of each span in which none of its children ran. */
  readonly selfTimeMs: Readonly<Record<string, number>>;
  /** Self time by kind, beside the median of the latest traces of the same route; undefined when there are too few. */
  readonly byKind: readonly {
    readonly kind: ApiTimeKind;
    readonly ms: number;
    readonly medianMs: number | undefined;
  }[];
  /** The same statement several times below one span: probably a loop that should be one query. */
  readonly repeated: readonly {
    readonly statement: string;
    readonly count: number;
    readonly totalMs: number;
    readonly spanIds: readonly string[];
    /** Name of the nearest handler or method that issued them. */
    readonly issuedBy: string | undefined;
  }[];
}

/** `GET /traces/:traceId`. */
export interface ApiTrace {
  readonly summary: ApiTraceSummary;
  readonly spans: readonly ApiSpan[];
  readonly logs: readonly ApiLog[];
  readonly analysis: ApiTraceAnalysis;
}

/** `GET /compare?a&b`: spans of two traces of a route, matched by their place. */
export interface ApiComparison {
  readonly a: ApiTraceSummary;
  readonly b: ApiTraceSummary;
  readonly rows: readonly {
    readonly path: string;
    readonly countA: number;
    readonly countB: number;
    readonly msA: number;
    readonly msB: number;
  }[];
}

/** `GET /metrics`: every instrument that has reported. */
export type ApiInstrument = InstrumentAnswer;

/** `GET /metrics/:id?from&to&buckets&filter=key:value&group=key`. A counter is a rate per second, a histogram three quantiles. */
export type ApiMetricChart = ChartAnswer;

/** `POST /selection`: what the selected traces have more often than the rest, most telling first. */
export type ApiSelectionResult = SelectionAnswer;

export interface ApiSelection {
  readonly service?: string;
  readonly route?: string;
  readonly from: number;
  readonly to: number;
  readonly minMs?: number;
  readonly maxMs?: number;
}

/** `GET /health`: telemetry about telemetry. */
export interface ApiHealth {
  readonly exporters: readonly {
    readonly signal: string;
    readonly name: string;
    readonly endpoint: string;
    readonly exported: number;
    readonly failed: number;
    readonly dropped: number;
    readonly lastSuccess: number | undefined;
    readonly lastError: { readonly message: string; readonly at: number } | undefined;
  }[];
  readonly store: {
    readonly file: string;
    readonly bytes: number;
    readonly maxBytes: number;
    readonly spans: number;
    readonly logs: number;
    readonly points: number;
    readonly queued: number;
    readonly dropped: number;
    readonly evicted: number;
    /** The oldest span or log line. */
    readonly oldest: number | undefined;
    /** Since when there is anything to show: sums and metrics stay longer than spans. */
    readonly since: number | undefined;
  };
  readonly instrumentations: readonly string[];
  /** The client libraries that the process has loaded. `reason` says why the calls of one are not recorded. */
  readonly libraries: readonly {
    readonly name: string;
    readonly version?: string | undefined;
    readonly recorded: boolean;
    readonly reason?: string | undefined;
  }[];
  /** Where "open in editor" leads, with `{file}` and `{line}` (and `{column}`) in it; `null` when there are to be no such links. */
  readonly editor?: string | null;
  /** Instruments that have reached their limit of series. */
  readonly seriesLimits?: readonly {
    readonly instrument: string;
    readonly limit: number;
    /** The attribute with the most distinct values, and how many it had. */
    readonly attribute: string | undefined;
    readonly values: number;
    /** Measurements that were added to the series of the overflow. */
    readonly overflowed: number;
  }[];
  /** What became of traces the sampler had not chosen; undefined where `sampling.keep` is off. */
  readonly sampling?: Readonly<Record<string, number>> | undefined;
  readonly warnings: readonly { readonly message: string; readonly at: number; readonly count: number }[];
}

/** `POST /traces/import` with OTLP's JSON, as `GET /traces/:traceId/otlp` gives it: what of it is in the store now. */
export interface ApiImport {
  readonly traceIds: readonly string[];
  readonly spans: number;
}

/** Every answer that is not what was asked for. */
export interface ApiError {
  readonly error: { readonly status: number; readonly message: string };
}

/** `GET /stream?traces&logs`: NDJSON, one of these per line, as things end. */
export type ApiStreamItem =
  | { readonly type: 'trace'; readonly trace: ApiTraceSummary }
  | { readonly type: 'log'; readonly log: ApiLog }
  | { readonly type: 'beat'; readonly time: number };
