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
import { endLast } from './end-last.js';
import { createNamedTelemetryProviders } from './inject-telemetry.js';
import { attachDashboard, preloadDashboard } from './plug-in-dashboard.js';
import { createTelemetryServiceProviders } from './telemetry.service.js';
import {
  TELEMETRY_HANDLE,
  type TelemetryAsyncOptions,
  TelemetryCoreModule,
} from './telemetry-core.module.js';
import { TelemetryHealthIndicator } from './telemetry-health.indicator.js';

/**
 * Adds correlated traces, metrics and logs to a NestJS application. Import it once, in the root
 * module. It starts while the container is filled; `app.close()` flushes and stops it.
 *
 * @example
 * @Module({ imports: [TelemetryModule.forRoot({ serviceName: 'orchestrator', otlpEndpoint:
 *   'http://localhost:4318' })] }) export class AppModule {}
 */
@Module({})
export class TelemetryModule implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly parts: readonly ApplicationPart[];

  /**
   * Takes the options as they are.
   *
   * @throws TelemetryError `TELEMETRY_INVALID_OPTIONS` when the application is created, listing
   *   every wrong option
   */
  static forRoot(options: TelemetryOptions = {}): DynamicModule {
    return assemble(TelemetryCoreModule.forRoot(options), options);
  }

  /** Takes the options from a factory, a class or an existing provider. */
  static forRootAsync(options: TelemetryAsyncOptions): DynamicModule {
    // The options are unknown until the container is filled: the environment decides.
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
 * The parts of an application. Requests pass the last one first; `/metrics` is mounted, early on
 * Express and late on Fastify, where the dashboard does not take it for a route of the application.
 */
const PARTS: readonly AttachPart[] = [attachInstrumentations, attachMetricsEndpoint, attachDashboard];

/** @param options decide whether NestJS waits for the dashboard before it fills the container */
function assemble(core: DynamicModule, options: TelemetryOptions): DynamicModule {
  const services = () => [
    ...createTelemetryServiceProviders(),
    ...createNamedTelemetryProviders(),
    TelemetryHealthIndicator,
  ];
  return {
    module: TelemetryModule,
    global: true,
    // Read when the module is scanned: all classes that use @InjectTelemetry() are loaded by then.
    get imports() {
      return [preloadDashboard(options)?.then(() => core) ?? core];
    },
    get providers() {
      return services();
    },
    get exports() {
      return services().map((provider) => ('provide' in provider ? provider.provide : provider));
    },
  };
}
