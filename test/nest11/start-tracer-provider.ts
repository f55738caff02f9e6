import { trace } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';

import { type Platform } from '../e2e/behaviours/platform.js';

/** Starts the least of OpenTelemetry that a user can have started: a tracer provider, no context manager, no propagator. */
export const startTracerProvider: Platform['startOwnSdk'] = (processor) => {
  const provider = new TracerProvider({ spanProcessors: [processor] });
  trace.setGlobalTracerProvider(provider);
  return async () => {
    await provider.shutdown();
    trace.disable();
  };
};
