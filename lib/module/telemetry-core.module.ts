import { type DynamicModule, Inject, type MiddlewareConsumer, Module, type Provider } from '@nestjs/common';
import { type AbstractHttpAdapter, ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';

import { type TelemetryOptionsFactory } from '../config/telemetry-options.js';
import { type TelemetryOptions } from '../config/telemetry-options.js';
import { isAdapterSupported } from '../instrumentation/http-server/instrument-adapter.js';
import { createPinoParams } from '../logging/start-logging.js';
import { type RunningTelemetry } from '../runtime/running-telemetry.interface.js';
import { propagatorsLoaded } from '../runtime/create-propagator.js';
import { startTelemetry } from './start-telemetry.js';
import { type TelemetryAsyncOptions } from './telemetry-options-async.interface.js';
import { TELEMETRY, TELEMETRY_OPTIONS } from './telemetry.constants.js';

/** Starts telemetry when its provider is created, which is while the container is filled and never earlier. */
@Module({})
export class TelemetryCoreModule {
  /** @param loggers whether nestjs-pino is ours to set up; its first user in a process decides for all */
  static forRoot(options: TelemetryOptions, loggers: boolean): DynamicModule {
    const provider: Provider = { provide: TELEMETRY_OPTIONS, useValue: options };
    return createCoreModule([provider], 'TelemetryModule.forRoot()', loggers);
  }

  static forRootAsync(options: TelemetryAsyncOptions): DynamicModule {
    return {
      ...createCoreModule(createOptionsProviders(options), 'TelemetryModule.forRootAsync()', true),
      imports: options.imports ?? [],
    };
  }

  constructor(
    @Inject(TELEMETRY) private readonly telemetry: RunningTelemetry,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ApplicationConfig) private readonly applicationConfig: ApplicationConfig,
  ) {}

  /** Our request hook opens the logging scope of each request; nestjs-pino's middleware is for adapters it cannot reach. */
  configure(consumer: MiddlewareConsumer): void {
    const { config } = this.telemetry;
    const adapter = this.host.httpAdapter as AbstractHttpAdapter | null | undefined; // an application context has null
    if (!config.logging.enabled || adapter === null || adapter === undefined || isAdapterSupported(adapter))
      return;
    const params = createPinoParams(config, { requestScope: 'middleware' });
    new LoggerModule(params, this.applicationConfig).configure(consumer);
  }
}

function createCoreModule(optionsProviders: Provider[], setIn: string, loggers: boolean): DynamicModule {
  const { providers = [], exports = [] } = loggers ? createLoggerProviders() : {};
  return {
    module: TelemetryCoreModule,
    global: true,
    providers: [
      ...optionsProviders,
      {
        provide: TELEMETRY,
        inject: [TELEMETRY_OPTIONS],
        useFactory: async (options: TelemetryOptions) => {
          const telemetry = startTelemetry(options, setIn);
          // The application is not ready before its first request can carry the configured headers.
          await propagatorsLoaded();
          return telemetry;
        },
      },
      ...providers,
    ],
    exports: [TELEMETRY, TELEMETRY_OPTIONS, ...exports],
  };
}

/**
 * What nestjs-pino's module provides, on our logger, so that `PinoLogger` can be injected and `assign` works. Without the module
 * itself, which mounts middleware on every route.
 */
function createLoggerProviders(): Pick<DynamicModule, 'providers' | 'exports'> {
  return LoggerModule.forRootAsync({
    inject: [TELEMETRY],
    useFactory: ({ config }: RunningTelemetry) => createPinoParams(config, { requestScope: 'caller' }),
  });
}

function createOptionsProviders({
  useFactory,
  inject,
  useClass,
  useExisting,
}: TelemetryAsyncOptions): Provider[] {
  if (useFactory !== undefined) {
    return [
      {
        provide: TELEMETRY_OPTIONS,
        inject: inject ?? [],
        useFactory: useFactory as (...args: unknown[]) => unknown,
      },
    ];
  }
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    throw new TypeError('TelemetryModule.forRootAsync() needs one of useFactory, useClass or useExisting');
  }
  const optionsProvider: Provider = {
    provide: TELEMETRY_OPTIONS,
    inject: [factory],
    useFactory: (options: TelemetryOptionsFactory) => options.createTelemetryOptions(),
  };
  return useClass === undefined ? [optionsProvider] : [{ provide: useClass, useClass }, optionsProvider];
}
