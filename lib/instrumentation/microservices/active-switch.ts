import { currentRuntime } from '../../runtime/runtime-state.js';

/** Whether messages are recorded now: telemetry runs, and the switch is on. */
export function recordsMicroservices(): boolean {
  return currentRuntime()?.config.instrumentation.microservices === true;
}
