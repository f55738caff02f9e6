/**
 * Starts telemetry from the environment alone, before the application's code runs:
 * `node --import nestjs-telemetry/register main.js`, or `--require` for CommonJS. Only needed for what runs before or
 * without NestJS; an application that imports `TelemetryModule` needs no flag. A later `forRoot()` joins what runs.
 */
import { warnOnce } from './errors/warnings.js';
import { startTelemetry } from './module/start-telemetry.js';

try {
  startTelemetry({}, 'environment');
} catch (error) {
  warnOnce('register', `Telemetry could not be started: ${String(error)}`);
}
