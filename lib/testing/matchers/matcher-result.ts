/** What a matcher of jest and vitest returns. */
export interface MatcherResult {
  /** Whether it is as expected. */
  readonly pass: boolean;
  /** Asked where the expectation fails: for `.not`, where `pass` is true. */
  readonly message: () => string;
}
