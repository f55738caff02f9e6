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
import { propagatorsLoaded } from '../runtime/create-propagator.js';
import type { TelemetryHandle } from '../runtime/sdk-runtime.js';
import { startTelemetry } from './start-telemetry.js';

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

/**
 * What `TelemetryModule.forRootAsync()` accepts: one of `useFactory` (with `inject`), `useClass` and `useExisting`; `imports`
 * name the modules of what these need. A class implements `TelemetryOptionsFactory`.
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

/** Starts telemetry when its provider is created, which is while the container is filled and never earlier. */
@Module({})
export class TelemetryCoreModule extends ConfigurableModuleClass {
  static override forRoot(options: TelemetryOptions): DynamicModule {
    return complete(super.forRoot(options), 'TelemetryModule.forRoot()', options.logging !== false);
  }

  static override forRootAsync(options: TelemetryAsyncOptions): DynamicModule {
    if (
      options.useFactory === undefined &&
      options.useClass === undefined &&
      options.useExisting === undefined
    )
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

  /** Our request hook opens the logging scope of each request; nestjs-pino's middleware is for adapters it cannot reach. */
  configure(consumer: MiddlewareConsumer): void {
    const { config } = this.telemetry;
    const adapter = this.host.httpAdapter as AbstractHttpAdapter | null | undefined; // an application context has null
    if (!config.logging.enabled || adapter === null || adapter === undefined || isAdapterSupported(adapter))
      return;
    const params = createPinoParams(config, 'middleware');
    new LoggerModule(params, this.applicationConfig).configure(consumer);
  }
}

/** @param loggers whether nestjs-pino is ours to set up; its first user in a process decides for all */
function complete(options: DynamicModule, setIn: string, loggers: boolean): DynamicModule {
  const { providers = [], exports = [] } = loggers ? createLoggerProviders() : {};
  return {
    ...options,
    global: true,
    providers: [
      ...(options.providers ?? []),
      {
        provide: TELEMETRY_HANDLE,
        inject: [TELEMETRY_MODULE_OPTIONS],
        useFactory: async (given: TelemetryOptions) => {
          const telemetry = startTelemetry(given, setIn);
          // The application is not ready before its first request can carry the configured headers.
          await propagatorsLoaded();
          return telemetry;
        },
      },
      ...providers,
    ],
    exports: [TELEMETRY_HANDLE, TELEMETRY_MODULE_OPTIONS, ...exports],
  };
}

/**
 * What nestjs-pino's module provides, on our logger, so that `PinoLogger` can be injected and `assign` works. Without the module
 * itself, which mounts middleware on every route.
 */
function createLoggerProviders(): Pick<DynamicModule, 'providers' | 'exports'> {
  return LoggerModule.forRootAsync({
    inject: [TELEMETRY_HANDLE],
    useFactory: ({ config }: TelemetryHandle) => createPinoParams(config, 'caller'),
  });
}
