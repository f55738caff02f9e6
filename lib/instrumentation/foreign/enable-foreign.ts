import { logs, metrics, trace } from '@opentelemetry/api';
import type { Instrumentation } from '../../config/otel-instrumentation.interface.js';

import { warnOnce } from '../../errors/warnings.js';
import { patchLoadedModules } from './patch-loaded-modules.js';

/**
 * Hands an OpenTelemetry instrumentation the providers of this process, enables it, and lets it patch what was loaded before
 * it: its own hooks only see what comes later. One that throws is left out. Returns the undo.
 */
export function enableForeign(instrumentation: Instrumentation): () => void {
  let unpatch: () => void = () => undefined;
  try {
    instrumentation.setTracerProvider(trace.getTracerProvider());
    instrumentation.setMeterProvider(metrics.getMeterProvider());
    instrumentation.setLoggerProvider?.(logs.getLoggerProvider());
    instrumentation.enable();
    unpatch = patchLoadedModules(instrumentation);
  } catch (error) {
    const { instrumentationName } = instrumentation;
    warnOnce(
      `instrumentation:${instrumentationName}`,
      `${instrumentationName} could not be enabled: ${String(error)}`,
    );
  }
  return () => {
    instrumentation.disable();
    unpatch();
  };
}
