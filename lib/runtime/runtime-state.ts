import { processWide } from '../process/process-wide.js';
import { type SdkRuntime } from './sdk-runtime.js';

/** What must exist once per process, however many copies of this package are loaded (ESM, CommonJS, two versions). */
interface RuntimeState {
  /** Grows whenever a runtime starts or stops: whatever caches a tracer or instrument compares it and binds anew. */
  generation: number;
  runtime: SdkRuntime | undefined;
  /** How many applications count on the runtime; the last one to leave stops it. */
  users: number;
}

const state = processWide<RuntimeState>('runtime', () => ({ generation: 0, runtime: undefined, users: 0 }));

export function runtimeState(): RuntimeState {
  return state;
}

/** The runtime of this process, or undefined before the start, after the shutdown and when telemetry is disabled. */
export function currentRuntime(): SdkRuntime | undefined {
  return state.runtime;
}
