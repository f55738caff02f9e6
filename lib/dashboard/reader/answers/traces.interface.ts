import { type JsonAttributes, type SourceAnswer } from './answer-parts.interface.js';
import { type LogAnswer } from './logs.interface.js';

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

/** One trace with all its spans and log lines. */
export interface TraceAnswer {
  readonly summary: TraceSummaryAnswer;
  /** In the order of their start. */
  readonly spans: readonly SpanAnswer[];
  /** Oldest first. */
  readonly logs: readonly LogAnswer[];
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
    /** Shares of the traces, each with the number of those it stands for. */
    readonly selectedShare: number;
    readonly otherShare: number;
    /** Attributes that the same traces have, at most ten: they have no separate row. */
    readonly alike: readonly { readonly key: string; readonly value: string }[];
  }[];
  readonly traces: readonly TraceSummaryAnswer[];
}
