import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { type TelemetryOptions } from '../config/telemetry-options.js';
import { TelemetryError } from '../errors/telemetry.error.js';
import { attachInstrumentations } from '../instrumentation/attach-instrumentations.js';
import { attachMetricsEndpoint } from '../metrics/metrics-endpoint.js';
import { Application, type ApplicationPart, type AttachPart } from '../runtime/application.js';
import { currentRuntime, type TelemetryHandle } from '../runtime/sdk-runtime.js';
import { createNamedTelemetryProviders } from './inject-telemetry.js';
import { attachDashboard, preloadDashboard } from './plug-in-dashboard.js';
import { createTelemetryServiceProviders } from './telemetry.service.js';
import {
  TELEMETRY_HANDLE,
  type TelemetryAsyncOptions,
  TelemetryCoreModule,
} from './telemetry-core.module.js';

/**
 * Adds correlated traces, metrics and logs to a NestJS application. Import it once, in the root module; it is global. It
 * starts while the container is filled, and `app.close()` flushes and stops it.
 *
 * @example
 * @Module({ imports: [TelemetryModule.forRoot({ serviceName: 'orchestrator', otlpEndpoint: 'http://localhost:4318' })] })
 * export class AppModule {}
 */
@Module({})
export class TelemetryModule implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly parts: readonly ApplicationPart[];

  /**
   * Takes the options as they are.
   *
   * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS` when the application is created, listing every wrong option
   */
  static forRoot(options: TelemetryOptions = {}): DynamicModule {
    return assemble(TelemetryCoreModule.forRoot(options), options);
  }

  /** Takes the options from a factory, a class or an existing provider, for example a configuration service. */
  static forRootAsync(options: TelemetryAsyncOptions): DynamicModule {
    // The options are not known before the container is filled: the environment decides what is loaded before.
    return assemble(TelemetryCoreModule.forRootAsync(options), {});
  }

  constructor(
    @Optional() @Inject(TELEMETRY_HANDLE) private readonly telemetry: TelemetryHandle | undefined,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(ModuleRef) moduleRef: ModuleRef,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    if (telemetry === undefined) {
      throw new TelemetryError(
        'TELEMETRY_NOT_CONFIGURED',
        'TelemetryModule was imported as a class. Import TelemetryModule.forRoot(options) or TelemetryModule.forRootAsync(options).',
      );
    }
    endLast(modules, new.target);
    const { config } = telemetry;
    const runtime = config.enabled ? currentRuntime() : undefined;
    const application = new Application(config, runtime, modules, moduleRef, host);
    this.parts = PARTS.map((attach) => attach(application)).filter((part) => part !== undefined);
  }

  onModuleInit(): void {
    for (const part of this.parts.toReversed()) part.ready?.();
  }

  onModuleDestroy(): void {
    for (const part of this.parts) part.close?.();
  }

  async onApplicationShutdown(): Promise<void> {
    for (const part of this.parts.toReversed()) part.stop();
    await this.telemetry?.shutdown();
  }
}

/**
 * What is attached to an application. Requests pass the last one first; `/metrics` is mounted, early on Express and late on
 * Fastify, where the dashboard does not take it for a route of the application.
 */
const PARTS: readonly AttachPart[] = [attachInstrumentations, attachMetricsEndpoint, attachDashboard];

/**
 * Makes NestJS call our hooks of the shutdown after those of every other module, so that what they do is recorded: hooks
 * run in the order of a distance from the root module, which is `Number.MAX_VALUE` for all global modules.
 */
function endLast(modules: ModulesContainer, type: unknown): void {
  for (const module of modules.values()) if (module.metatype === type) module.distance = Infinity;
}

/** @param options decide whether NestJS waits for the dashboard to be loaded before it fills the container */
function assemble(core: DynamicModule, options: TelemetryOptions): DynamicModule {
  return {
    module: TelemetryModule,
    global: true,
    // All are read when the module is scanned: by then every class that uses @InjectTelemetry() has been loaded.
    get imports() {
      return [preloadDashboard(options)?.then(() => core) ?? core];
    },
    get providers() {
      return [...createTelemetryServiceProviders(), ...createNamedTelemetryProviders()];
    },
    get exports() {
      return [...createTelemetryServiceProviders(), ...createNamedTelemetryProviders()].map((provider) =>
        'provide' in provider ? provider.provide : provider,
      );
    },
  };
}
