/** For tests of users: `import { TelemetryTestingModule } from 'nestjs-telemetry/testing'`. */
export {
  type Budget,
  type ExpectedSeries,
  type ExpectedSpan,
  type RepeatedQueriesOptions,
} from './matchers/check-arguments.js';
export { type MatcherResult } from './matchers/matcher-result.js';
export { type TelemetryProbeOptions } from './probe-options.js';
export { type LogLine } from './probe-records.js';
export { type TelemetryMatchers, telemetryMatchers, telemetrySerializer } from './telemetry-matchers.js';
export {
  createTelemetryProbe,
  disabledTelemetry,
  TelemetryProbe,
  type WaitOptions,
} from './telemetry-probe.js';
export { TelemetryTestingModule } from './telemetry-testing.module.js';
export { type TraceTreeOptions } from './trace-tree.js';
