import { resolveConfig } from '../config/resolve-config.js';
import { type RunningTelemetry } from '../runtime/running-telemetry.interface.js';

/**
 * Gives telemetry that does nothing, to put in place of the real one in a test of something else.
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(TELEMETRY).useValue(disabledTelemetry());
 */
export function disabledTelemetry(): RunningTelemetry {
  return {
    config: resolveConfig({ enabled: false, logging: false }, { env: {}, setIn: 'disabledTelemetry()' }),
    runtime: undefined,
    flush: () => Promise.resolve(true),
    shutdown: () => Promise.resolve(),
  };
}
