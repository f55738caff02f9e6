import { logs, metrics, trace } from '@opentelemetry/api';
import { type Instrumentation } from '@opentelemetry/instrumentation';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { warnOnce } from '../errors/warnings.js';
import { instrumentNodeHttp } from './clients/http/instrument-node-http.js';
import { instrumentUndici } from './clients/http/instrument-undici.js';
import { patchPg } from './clients/pg/instrument-pg.js';
import { instrumentIoredis } from './clients/redis/instrument-ioredis.js';
import { activateInstrumentation } from './instrumentation-registry.js';

/** Turns on what the configuration switches on for the whole process; returns the undo. */
export function startInstrumentations(config: TelemetryConfig): () => void {
  const undo: (() => void)[] = [];
  const { instrumentation } = config;
  if (instrumentation.http) {
    undo.push(activateInstrumentation('undici', instrumentUndici));
    undo.push(activateInstrumentation('node-http', instrumentNodeHttp));
  }
  if (instrumentation.redis) undo.push(activateInstrumentation('ioredis', instrumentIoredis));
  if (instrumentation.pg) undo.push(activateInstrumentation('pg', patchPg));
  for (const foreign of config.instrumentations) undo.push(enableForeign(foreign));
  return () => {
    for (const stop of undo.reverse()) stop();
  };
}

/** Hands an OpenTelemetry instrumentation the providers of this process; one that throws is left out. */
function enableForeign(instrumentation: Instrumentation): () => void {
  try {
    instrumentation.setTracerProvider(trace.getTracerProvider());
    instrumentation.setMeterProvider(metrics.getMeterProvider());
    instrumentation.setLoggerProvider?.(logs.getLoggerProvider());
    instrumentation.enable();
  } catch (error) {
    const { instrumentationName } = instrumentation;
    warnOnce(
      `instrumentation:${instrumentationName}`,
      `${instrumentationName} could not be enabled: ${String(error)}`,
    );
  }
  return () => {
    instrumentation.disable();
  };
}
