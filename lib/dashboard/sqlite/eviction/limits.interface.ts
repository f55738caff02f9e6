/** How much is kept. */
export interface StoreLimits {
  /** Milliseconds. */
  readonly maxAgeMs: number;
  /** Of the database, without its journal. */
  readonly maxBytes: number;
  readonly maxSpans: number;
  readonly maxLogs: number;
  readonly maxPoints: number;
}
