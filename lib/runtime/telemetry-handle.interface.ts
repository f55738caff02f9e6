import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { type FlushOptions } from './sdk-runtime.js';

/** The telemetry of this process in the hands of one user: what it runs with, and how to flush and leave it. */
export interface TelemetryHandle {
  /** The value of every option, after code, environment and defaults. */
  readonly config: TelemetryConfig;
  /**
   * Sends what is buffered now, within `timeoutMs` (default `shutdownTimeoutMs`). Never rejects.
   *
   * @returns whether all of it was accepted; true without telemetry
   */
  flush(options?: FlushOptions): Promise<boolean>;
  /** Leaves; the last one to leave flushes and stops the SDK within the deadline. Never rejects. */
  shutdown(): Promise<void>;
}

/**
 * The former name of `TelemetryHandle`.
 *
 * @deprecated
 */
export type RunningTelemetry = TelemetryHandle;
