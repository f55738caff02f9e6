/**
 * The codes of a `TelemetryError` and their meaning; docs/errors.md is tested against this table.
 */
export const ERROR_CATALOGUE = {
  TELEMETRY_INVALID_OPTIONS: 'One or more options passed in code are wrong; `problems` lists all of them.',
  TELEMETRY_NOT_CONFIGURED: 'The module was imported without forRoot() or forRootAsync().',
  TELEMETRY_INVALID_DECORATOR: 'A decorator was applied to something it cannot decorate.',
  TELEMETRY_INVALID_INSTRUMENT: 'An instrument was created with a name that OpenTelemetry does not allow.',
  TELEMETRY_CHANGE_REFUSED: 'A change at run time cannot be made; the message has the reason.',
  TELEMETRY_INVALID_TEST:
    'A test uses `nestjs-telemetry/testing` in a way that cannot work; the message has the remedy.',
} as const;

/** The stable code of a `TelemetryError`. */
export type TelemetryErrorCode = keyof typeof ERROR_CATALOGUE;

/** A wrong option or environment variable. */
export interface ConfigurationProblem {
  /** Name of the option (`sampling.ratio`) or environment variable (`OTEL_TRACES_SAMPLER`). */
  readonly name: string;
  /** The value as it was received, rendered for a human; secrets are never rendered. */
  readonly received: string;
  /** Where the value came from, for example `TelemetryModule.forRoot()` or `environment`. */
  readonly setIn: string;
  /** What to write instead. */
  readonly remedy: string;
}

/**
 * The error class of this library. `code` is stable and listed in docs/errors.md; `problems` lists
 * all wrong options when the code is `TELEMETRY_INVALID_OPTIONS`.
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

/** Whether it is a `TelemetryError` of that code, also of another copy of this package. */
export function isErrorOf(value: unknown, code: TelemetryErrorCode): value is TelemetryError {
  return isError(value) && value.name === 'TelemetryError' && (value as { code?: unknown }).code === code;
}

/** Whether it is an error, also of another realm (vm, jest); false for a proxy that throws. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
  } catch {
    // Nothing of it could be recorded as an error.
    return false;
  }
}
