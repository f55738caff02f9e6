import {
  type Budget,
  type ExpectedSeries,
  type ExpectedSpan,
  type RepeatedQueriesOptions,
} from './matchers/check-arguments.js';
import { toHaveLogged } from './matchers/to-have-logged.js';
import { toHaveNoRepeatedQueries } from './matchers/to-have-no-repeated-queries.js';
import { toHaveRecorded } from './matchers/to-have-recorded.js';
import { toHaveSpan } from './matchers/to-have-span.js';
import { toStayWithin } from './matchers/to-stay-within.js';
import { PROBE } from './probe-records.js';
import { type TelemetryProbe } from './telemetry-probe.js';

/**
 * Matchers for `expect(probe)`, in jest and in vitest. `R` is what a matcher of the runner returns.
 */
export interface TelemetryMatchers<R = void> {
  /** Passes when a span has ended that is as expected: its name, or more. Above it in a failure: the nearest one, and the trace. */
  toHaveSpan(expected: string | RegExp | ExpectedSpan): R;
  /** Passes when a metric has such a series. Metrics are collected first: `await expect(probe).toHaveRecorded(…)`. */
  toHaveRecorded(metric: string | RegExp, expected?: ExpectedSeries): Promise<void>;
  /** Passes when a line was logged with this message, or with these fields at least; `level` may be a name. */
  toHaveLogged(line: string | RegExp | Readonly<Record<string, unknown>>): R;
  /** Passes when no handler or method issued the same statement three times or more: a query in a loop. */
  toHaveNoRepeatedQueries(options?: RepeatedQueriesOptions): R;
  /** Passes when there are no more queries, no more spans and no longer trace than this. */
  toStayWithin(budget: Budget): R;
}

/**
 * The matchers for `expect.extend(telemetryMatchers)`. Importing `nestjs-telemetry/testing/jest` or
 * `nestjs-telemetry/testing/vitest` does that, and gives them their types.
 */
export const telemetryMatchers = {
  toHaveSpan,
  toHaveRecorded,
  toHaveLogged,
  toHaveNoRepeatedQueries,
  toStayWithin,
};

/** Writes a probe in a snapshot as its trace; for `expect.addSnapshotSerializer()`. */
export const telemetrySerializer = {
  /** Whether it is a probe. */
  test: (value: unknown): value is TelemetryProbe =>
    typeof value === 'object' && value !== null && PROBE in value,
  /** The trace, without ids, times and process. */
  serialize: (probe: TelemetryProbe): string => probe.traceTree(),
};
