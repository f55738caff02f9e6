/** A stretch of time, in milliseconds since the epoch. */
export interface TimeRange {
  readonly from: number;
  /** Not part of it. */
  readonly to: number;
}

/** Some of what was asked for, and where to go on. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Give it as `before` for what follows; undefined at the end. There may be fewer items than asked for and still a next page. */
  readonly next: string | undefined;
}
