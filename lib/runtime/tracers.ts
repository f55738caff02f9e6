import { trace, type Tracer } from '@opentelemetry/api';

import { runtimeState } from './runtime-state.js';

let boundGeneration = -1;
const tracers = new Map<string, Tracer>();

/**
 * Gives the tracer of that name, of the SDK that is running now. The API's own tracers keep the first SDK they met
 * for ever, which loses every span after a restart (hot reload, tests).
 */
export function tracerFor(name: string): Tracer {
  const { generation } = runtimeState();
  if (generation !== boundGeneration) {
    tracers.clear();
    boundGeneration = generation;
  }
  let tracer = tracers.get(name);
  if (tracer === undefined) {
    tracer = trace.getTracer(name);
    tracers.set(name, tracer);
  }
  return tracer;
}
