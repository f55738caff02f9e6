/** Injection token of the options that `forRoot()` or `forRootAsync()` received. */
export const TELEMETRY_MODULE_OPTIONS = Symbol.for('nestjs-telemetry:options');

/**
 * Injection token of the `TelemetryHandle`. Creating it starts the SDK, so a test without telemetry replaces it:
 * `Test.createTestingModule({ imports: [AppModule] }).overrideProvider(TELEMETRY_HANDLE).useValue(disabledTelemetry())`.
 */
export const TELEMETRY_HANDLE = Symbol.for('nestjs-telemetry:running');

/**
 * The former name of `TELEMETRY_MODULE_OPTIONS`.
 *
 * @deprecated
 */
export const TELEMETRY_OPTIONS = TELEMETRY_MODULE_OPTIONS;

/**
 * The former name of `TELEMETRY_HANDLE`.
 *
 * @deprecated
 */
export const TELEMETRY = TELEMETRY_HANDLE;
