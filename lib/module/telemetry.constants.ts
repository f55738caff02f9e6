/** Injection token of the options that `forRoot()` or `forRootAsync()` received. */
export const TELEMETRY_OPTIONS = Symbol.for('nestjs-telemetry:options');

/**
 * Injection token of the running telemetry. Creating it is what starts the SDK, so a test that wants none replaces it:
 * `Test.createTestingModule({ imports: [AppModule] }).overrideProvider(TELEMETRY).useValue(disabledTelemetry())`.
 */
export const TELEMETRY = Symbol.for('nestjs-telemetry:running');
