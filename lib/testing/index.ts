/** What users import in their own tests: `import { createTelemetryProbe } from 'nestjs-telemetry/testing'`. */
export { createTelemetryProbe, type LogLine, type TelemetryProbe } from './telemetry-probe.js';
