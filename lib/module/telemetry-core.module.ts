import {
  type ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
} from '@nestjs/common';
import { type AbstractHttpAdapter, ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';

import type { TelemetryOptions } from '../config/telemetry-options.js';
import { isAdapterSupported } from '../instrumentation/http-server/attach-http-server.js';
import { createPinoParams } from '../logging/start-logging.js';
import type { TelemetryHandle } from '../runtime/sdk-runtime.js';
import { startTelemetry } from './start-telemetry.js';

/** Injection token of the options that `forRoot()` or `forRootAsync()` received. */
export const TELEMETRY_MODULE_OPTIONS = Symbol.for('nestjs-telemetry.options');

/**
 * Injection token of the `TelemetryHandle`, whose provider starts the SDK; a test without telemetry
 * replaces it: `Test.createTestingModule({ imports: [AppModule]
 * }).overrideProvider(TELEMETRY_HANDLE) .useValue(disabledTelemetry())`.
 */
export const TELEMETRY_HANDLE = Symbol.for('nestjs-telemetry.running');

/** The former name of `TELEMETRY_MODULE_OPTIONS`. @deprecated */
export const TELEMETRY_OPTIONS = TELEMETRY_MODULE_OPTIONS;

/** The former name of `TELEMETRY_HANDLE`. @deprecated */
export const TELEMETRY = TELEMETRY_HANDLE;

/**
 * Options of `TelemetryModule.forRootAsync()`: `useFactory` (with `inject`), `useExisting` or
 * `useClass` (a `TelemetryOptionsFactory`); `imports` lists the modules that these need.
 */
export type TelemetryAsyncOptions = ConfigurableModuleAsyncOptions<
  TelemetryOptions,
  'createTelemetryOptions'
>;

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<TelemetryOptions>({
  optionsInjectionToken: TELEMETRY_MODULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createTelemetryOptions')
  .build();

/** Starts telemetry while the container is filled, when its provider is created. */
@Module({})
export class TelemetryCoreModule extends ConfigurableModuleClass {
  static override forRoot(options: TelemetryOptions): DynamicModule {
    return complete(super.forRoot(options), 'TelemetryModule.forRoot()', options.logging !== false);
  }

  static override forRootAsync(options: TelemetryAsyncOptions): DynamicModule {
    if ((options.useFactory ?? options.useClass ?? options.useExisting) === undefined)
      throw new TypeError('TelemetryModule.forRootAsync() needs one of useFactory, useClass or useExisting');
    return complete(super.forRootAsync(options), 'TelemetryModule.forRootAsync()', true);
  }

  constructor(
    @Inject(TELEMETRY_HANDLE) private readonly telemetry: TelemetryHandle,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ApplicationConfig) private readonly applicationConfig: ApplicationConfig,
  ) {
    super();
  }

  /** nestjs-pino's middleware opens the logging scope of requests on adapters without our hook. */
  configure(consumer: MiddlewareConsumer): void {
    const { config } = this.telemetry;
    const adapter = this.host.httpAdapter as AbstractHttpAdapter | null | undefined; // an application context has null
    if (!config.logging.enabled || adapter === null || adapter === undefined || isAdapterSupported(adapter))
      return;
    new LoggerModule(createPinoParams(config, 'middleware'), this.applicationConfig).configure(consumer);
  }
}

/** @param setsUpPino false leaves nestjs-pino to the application: its first user decides for all */
function complete(options: DynamicModule, setIn: string, setsUpPino: boolean): DynamicModule {
  const { providers = [], exports = [] } = setsUpPino ? createLoggerProviders() : {};
  return {
    ...options,
    global: true,
    providers: [
      ...(options.providers ?? []),
      {
        provide: TELEMETRY_HANDLE,
        inject: [TELEMETRY_MODULE_OPTIONS],
        useFactory: (given: TelemetryOptions) => startTelemetry(given, setIn),
      },
      ...providers,
    ],
    exports: [TELEMETRY_HANDLE, TELEMETRY_MODULE_OPTIONS, ...exports],
  };
}

/**
 * The providers of nestjs-pino's module, on our logger, by which `PinoLogger` is injected and
 * `assign` works. The module itself would mount middleware on every route.
 */
function createLoggerProviders(): Pick<DynamicModule, 'providers' | 'exports'> {
  return LoggerModule.forRootAsync({
    inject: [TELEMETRY_HANDLE],
    useFactory: ({ config }: TelemetryHandle) => createPinoParams(config, 'caller'),
  });
}
