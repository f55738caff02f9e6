import { isMainThread } from 'node:worker_threads';

import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { recordUncaught } from './record-uncaught.js';
import { SignalFlush } from '../../runtime/process-signals.js';
import { type SdkRuntime } from '../../runtime/sdk-runtime.js';

/** Hands over what is buffered when the process ends without `app.close()`; returns the undo. */
export function watchProcess(runtime: SdkRuntime): () => void {
  const { processEvents }: TelemetryConfig = runtime.config;
  const undo = [flushWhenIdle(runtime)];
  if (processEvents.uncaught) undo.push(recordUncaught());
  // Signals are those of the main thread.
  if (processEvents.signals && isMainThread) {
    const { signalTimeoutMs: timeoutMs } = processEvents;
    const signals = new SignalFlush(() => runtime.flush({ timeoutMs }), timeoutMs);
    signals.start();
    undo.push(() => {
      signals.stop();
    });
  }
  return () => {
    for (const leave of undo) leave();
  };
}

/** When nothing else is left to do (a script, an application context that nobody closes), a flush gives the process one more turn. */
function flushWhenIdle(runtime: SdkRuntime): () => void {
  const flush = (): void => {
    void runtime.flush();
  };
  process.once('beforeExit', flush);
  return () => {
    process.off('beforeExit', flush);
  };
}
