import type { LoggerProvider, MeterProvider, TracerProvider } from '@opentelemetry/api';

/**
 * An instrumentation of `@opentelemetry/instrumentation`, for example an instance of `PgInstrumentation`. Described here by its
 * structure, so that users who pass none need not install that package.
 */
export interface Instrumentation {
  /** Name of its package, for example `@opentelemetry/instrumentation-pg`. */
  readonly instrumentationName: string;
  readonly instrumentationVersion: string;
  enable(): void;
  disable(): void;
  setTracerProvider(provider: TracerProvider): void;
  setMeterProvider(provider: MeterProvider): void;
  setLoggerProvider?(provider: LoggerProvider): void;
}
