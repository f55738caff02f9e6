/** What users import in their own tests: `import { createTelemetryProbe } from 'nestjs-telemetry/testing'`. */
export { disabledTelemetry } from './telemetry-probe.js';
export { createTelemetryProbe, type LogLine, type TelemetryProbe } from './telemetry-probe.js';
