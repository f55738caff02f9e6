/** For tests of users: `import { createTelemetryProbe } from 'nestjs-telemetry/testing'`. */
export {
  createTelemetryProbe,
  disabledTelemetry,
  type LogLine,
  type TelemetryProbe,
} from './telemetry-probe.js';
