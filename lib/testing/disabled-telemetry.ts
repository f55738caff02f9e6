import { resolveConfig } from '../config/resolve-config.js';
import { type TelemetryHandle } from '../runtime/telemetry-handle.interface.js';

/**
 * Gives telemetry that does nothing, to put in place of the real one in a test of something else.
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(TELEMETRY_HANDLE).useValue(disabledTelemetry());
 */
export function disabledTelemetry(): TelemetryHandle {
  return {
    config: resolveConfig({ enabled: false, logging: false }, { env: {}, setIn: 'disabledTelemetry()' }),
    flush: () => Promise.resolve(true),
    shutdown: () => Promise.resolve(),
  };
}
