/** What of an imported file is in the store now. */
export interface ImportAnswer {
  readonly traceIds: readonly string[];
  readonly spans: number;
}
