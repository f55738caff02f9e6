/** `GET /health`: telemetry about telemetry. */
export interface HealthAnswer {
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
