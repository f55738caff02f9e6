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
