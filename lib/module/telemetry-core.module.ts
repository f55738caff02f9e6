import { type DynamicModule, Module, type Provider } from '@nestjs/common';

import { type TelemetryOptionsFactory } from '../config/telemetry-options-factory.interface.js';
import { type TelemetryOptions } from '../config/telemetry-options.interface.js';
import { startTelemetry } from './start-telemetry.js';
import { type TelemetryAsyncOptions } from './telemetry-options-async.interface.js';
import { TELEMETRY, TELEMETRY_OPTIONS } from './telemetry.constants.js';

/** Starts telemetry when its provider is created, which is while the container is filled and never earlier. */
@Module({})
export class TelemetryCoreModule {
  static forRoot(options: TelemetryOptions): DynamicModule {
    return createCoreModule([{ provide: TELEMETRY_OPTIONS, useValue: options }], 'TelemetryModule.forRoot()');
  }

  static forRootAsync(options: TelemetryAsyncOptions): DynamicModule {
    return {
      ...createCoreModule(createOptionsProviders(options), 'TelemetryModule.forRootAsync()'),
      imports: options.imports ?? [],
    };
  }
}

function createCoreModule(optionsProviders: Provider[], setIn: string): DynamicModule {
  return {
    module: TelemetryCoreModule,
    global: true,
    providers: [
      ...optionsProviders,
      {
        provide: TELEMETRY,
        inject: [TELEMETRY_OPTIONS],
        useFactory: (options: TelemetryOptions) => startTelemetry(options, setIn),
      },
    ],
    exports: [TELEMETRY, TELEMETRY_OPTIONS],
  };
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
