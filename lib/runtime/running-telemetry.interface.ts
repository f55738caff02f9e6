import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { type FlushOptions, type TelemetryRuntime } from './telemetry-runtime.js';

/** Telemetry as one application holds it: what it runs with, and how to flush and leave it. */
export interface RunningTelemetry {
  /** What every option came to, after code, environment and defaults. */
  readonly config: TelemetryConfig;
  /** undefined when telemetry is disabled. */
  readonly runtime: TelemetryRuntime | undefined;
  /**
   * Sends what is buffered now, within `timeoutMs` (default `shutdownTimeoutMs`). Never rejects.
   *
   * @returns whether all of it was taken; true without telemetry
   */
  flush(options?: FlushOptions): Promise<boolean>;
  /** Leaves; the last one to leave flushes and stops the SDK within the deadline. Never rejects. */
  shutdown(): Promise<void>;
}
