/** Every code a `TelemetryError` can carry, with what it means; docs/errors.md is tested against this table. */
export const ERROR_CATALOGUE = {
  TELEMETRY_INVALID_OPTIONS: 'One or more options passed in code are wrong; `problems` lists all of them.',
  TELEMETRY_NOT_CONFIGURED: 'The module was imported without forRoot() or forRootAsync().',
  TELEMETRY_INVALID_DECORATOR: 'A decorator was applied to something it cannot decorate.',
  TELEMETRY_INVALID_INSTRUMENT: 'An instrument was created with a name that OpenTelemetry does not allow.',
} as const;

/** The stable code of a `TelemetryError`. */
export type TelemetryErrorCode = keyof typeof ERROR_CATALOGUE;
