import { type TelemetryErrorCode } from './error-catalogue.constants.js';

/** One thing that is wrong with a configuration: what it is, what was received, where it was set and the remedy. */
export interface ConfigurationProblem {
  /** Name of the option (`sampling.ratio`) or of the environment variable (`OTEL_TRACES_SAMPLER`). */
  readonly name: string;
  /** The value as it was received, rendered for a human; secrets are never rendered. */
  readonly received: string;
  /** Where the value came from, for example `TelemetryModule.forRoot()` or `environment`. */
  readonly setIn: string;
  /** What to write instead. */
  readonly remedy: string;
}

/**
 * The one error class of this library. `code` is stable and listed in docs/errors.md; `problems` names every wrong
 * option when the code is `TELEMETRY_INVALID_OPTIONS`.
 */
export class TelemetryError extends Error {
  override readonly name = 'TelemetryError';

  constructor(
    readonly code: TelemetryErrorCode,
    message: string,
    readonly problems: readonly ConfigurationProblem[] = [],
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}
