/** Scope of the instruments that this library measures with by itself. */
export const INSTRUMENTATION_SCOPE = 'nestjs-telemetry';
