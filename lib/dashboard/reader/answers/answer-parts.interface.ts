/**
 * What the answers of a `TelemetryReader` have in common. In all of them instants and durations are milliseconds (instants since the epoch),
 * ids are lower-case hexadecimal. The dashboard sends them as JSON, version 1 of its API: fields are added, never renamed or removed.
 */

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

/** Of which traces sums are made. */
export interface CoverageAnswer {
  readonly traces: number;
  readonly spans: number;
  /** The begin of the time that is covered: later than that of the range where older traces were left out. */
  readonly since: number;
  /** Whether all stored traces that begin in the range are counted. */
  readonly complete: boolean;
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
