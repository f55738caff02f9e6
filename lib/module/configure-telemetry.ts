import { type TelemetryOptions } from '../config/telemetry-options.js';
import { type TelemetryHandle } from '../runtime/telemetry-handle.interface.js';
import { startTelemetry } from './start-telemetry.js';

/**
 * Starts telemetry outside NestJS: in a script, a worker, or before `NestFactory.create`. A `TelemetryModule` imported
 * later joins it. What is buffered is flushed when the event loop runs empty; call `shutdown()` where that is too late.
 *
 * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS`, listing everything that is wrong with the options
 * @example
 * const telemetry = configureTelemetry({ serviceName: 'import-script', otlpEndpoint: 'localhost:4317' });
 * await getTelemetry('import').trace('import', () => importEverything());
 * await telemetry.shutdown();
 */
export function configureTelemetry(options: TelemetryOptions = {}): TelemetryHandle {
  return startTelemetry(options, 'configureTelemetry()');
}
