import { type DynamicModule, Inject, Module, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import { TelemetryError } from '../errors/telemetry.error.js';
import { endLast } from '../module/end-last.js';
import { TelemetryModule } from '../module/telemetry.module.js';
import { createTelemetryProbe, TelemetryProbe } from './telemetry-probe.js';

/** Applications that use a probe: the last one to end stops it. */
const users = new WeakMap<TelemetryProbe, number>();

/**
 * Records the telemetry of a test in memory: nothing is exported, no environment variable is read, every trace is sampled. A
 * `TelemetryModule` that the application imports itself joins it, whatever its options.
 *
 * @example
 * const app = await Test.createTestingModule({ imports: [TelemetryTestingModule.register(), AppModule] }).compile();
 * const probe = app.get(TelemetryProbe);
 */
@Module({})
export class TelemetryTestingModule implements OnApplicationShutdown {
  /**
   * Takes the probe that records; a new one by default. The application is closed at the end of the test, which ends the recording
   * and takes all globals away.
   *
   * @throws TelemetryError `TELEMETRY_INVALID_TEST`, from `compile()`, where telemetry runs that no probe has started
   */
  static register(probe: TelemetryProbe = createTelemetryProbe()): DynamicModule {
    return {
      module: TelemetryTestingModule,
      global: true,
      // Read when the modules are scanned, before any provider of the application exists.
      get imports() {
        return [probe.start().then(() => TelemetryModule.forRoot({ dashboard: false, store: false }))];
      },
      providers: [{ provide: TelemetryProbe, useValue: probe }],
      exports: [TelemetryProbe],
    };
  }

  constructor(
    @Optional() @Inject(TelemetryProbe) private readonly probe: TelemetryProbe | undefined,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    if (probe === undefined)
      throw new TelemetryError(
        'TELEMETRY_INVALID_TEST',
        'TelemetryTestingModule was imported as a class. Import TelemetryTestingModule.register().',
      );
    endLast(modules, new.target);
    users.set(probe, (users.get(probe) ?? 0) + 1);
  }

  async onApplicationShutdown(): Promise<void> {
    const { probe } = this;
    if (probe === undefined) return;
    const left = (users.get(probe) ?? 1) - 1;
    users.set(probe, left);
    if (left <= 0) await probe.stop();
  }
}
