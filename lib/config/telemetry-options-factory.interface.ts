import { type TelemetryOptions } from './telemetry-options.interface.js';

/** What a class passed to `TelemetryModule.forRootAsync({ useClass })` or `{ useExisting }` implements. */
export interface TelemetryOptionsFactory {
  /** Gives the options, at once or later; it is called once per module. */
  createTelemetryOptions(): TelemetryOptions | Promise<TelemetryOptions>;
}
