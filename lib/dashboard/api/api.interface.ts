/**
 * The JSON that the page reads, version 1, below `<path>/api/v1`. Stable: fields are added, never renamed or removed within a
 * version. Instants are milliseconds since the epoch, durations are milliseconds, ids are lower-case hexadecimal.
 */

/** Span kinds in words. */
export type ApiSpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** What a value of an attribute or field can be in JSON. */
export type ApiValue =
  string | number | boolean | null | readonly ApiValue[] | { readonly [key: string]: ApiValue };

export type ApiAttributes = Readonly<Record<string, ApiValue>>;

/** A number of a chart that leads to a trace. */
export interface ApiExemplar {
  readonly time: number;
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly error: boolean;
  readonly label: string;
}

/** `GET /services?from&to`: who has reported, busiest first. */
export interface ApiService {
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
  readonly lastSeen: number;
}

/** `GET /overview?service&from&to&buckets`: one service over time; every list has an entry per bucket. */
export interface ApiOverview {
  readonly times: readonly number[];
  readonly perSecond: readonly number[];
  readonly errorsPerSecond: readonly number[];
  /** null where nothing was recorded. */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  /** Slow and failed entries first in each bucket; value is the duration. */
  readonly exemplars: readonly ApiExemplar[];
}

/** `GET /routes?service&from&to`: every route of the application that serves the page, never-hit ones too, and of others those seen. */
export interface ApiRoute {
  readonly service: string;
  readonly method: string;
  readonly route: string;
  /** `Class.method`; undefined when it is not known. */
  readonly handler: string | undefined;
  readonly count: number;
  readonly perSecond: number;
  readonly errorShare: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly lastSeen: number | null;
}

/**
 * `GET /traces?service&route&status&minMs&maxMs&attribute=key:value&text&from&to&limit&before`: newest first, an `ApiPage`. `status` is `ok`,
 * `error` or an HTTP status (`404`, `5xx`); `attribute` may be given several times, all must hold on one span of the trace; `text` is
 * looked for in names, attributes, events and logs.
 */
export interface ApiTraceSummary {
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
  /** Kept whatever is evicted: an error, or an exemplar that is shown. */
  readonly pinned: boolean;
}

export interface ApiPage<T> {
  readonly items: readonly T[];
  /** Give it as `before` for the next page; undefined at the end. */
  readonly next: string | undefined;
}

export interface ApiSpanEvent {
  readonly name: string;
  readonly time: number;
  readonly attributes: ApiAttributes;
}

export interface ApiSpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: ApiAttributes;
}

export interface ApiSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly kind: ApiSpanKind;
  readonly start: number;
  readonly durationMs: number;
  readonly status: 'unset' | 'ok' | 'error';
  readonly statusMessage: string | undefined;
  readonly attributes: ApiAttributes;
  readonly events: readonly ApiSpanEvent[];
  readonly links: readonly ApiSpanLink[];
}

/**
 * `GET /logs?service&level&text&attribute=key:value&traceId&spanId&from&to&limit&before`: newest first, an `ApiPage`. `level` is the lowest
 * level wanted; `attribute` may be given several times.
 */
export interface ApiLog {
  readonly id: number;
  readonly time: number;
  /** pino's words: trace, debug, info, warn, error, fatal. */
  readonly level: string;
  readonly service: string;
  readonly context: string | undefined;
  readonly message: string;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly attributes: ApiAttributes;
}

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
export interface ApiInstrument {
  readonly id: number;
  readonly service: string;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: 'counter' | 'updowncounter' | 'gauge' | 'histogram';
  /** Attribute names and the values seen, for filters. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** `GET /metrics/:id?from&to&buckets&filter=key:value&group=key`. A counter is a rate per second, a histogram three quantiles. */
export interface ApiMetricChart {
  readonly instrument: ApiInstrument;
  readonly times: readonly number[];
  readonly series: readonly { readonly label: string; readonly values: readonly (number | null)[] }[];
  readonly exemplars: readonly ApiExemplar[];
}

/** `POST /selection`: what the selected traces have more often than the rest, most telling first. */
export interface ApiSelectionResult {
  readonly selected: number;
  readonly others: number;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: string;
    readonly selectedShare: number;
    readonly otherShare: number;
  }[];
  readonly traces: readonly ApiTraceSummary[];
}

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
    readonly oldest: number | undefined;
  };
  readonly instrumentations: readonly string[];
  /** Where "open in editor" leads, with `{file}` and `{line}` (and `{column}`) in it; `null` when there are to be no such links. */
  readonly editor?: string | null;
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
