import { type CoverageAnswer, type ExemplarAnswer, type SourceAnswer } from './answer-parts.interface.js';

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
