import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ObserveRegistration, TelemetryModule, TelemetryService } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

const asked: string[] = [];

@Injectable()
class Queue implements OnModuleDestroy {
  private readonly registrations: readonly ObserveRegistration[];

  constructor(telemetry: TelemetryService) {
    const observe = (what: string) => (): number => asked.push(what);
    this.registrations = [
      telemetry.observableGauge('queue.size', observe('size')),
      telemetry.observableCounter('queue.taken', observe('taken')),
      telemetry.observableUpDownCounter('queue.busy', observe('busy')),
    ];
  }

  onModuleDestroy(): void {
    for (const registration of this.registrations) registration.remove();
  }
}

describe('an observable instrument of TelemetryService', () => {
  it('is read until the registration it returned is removed', async () => {
    const probe = createTelemetryProbe();
    @Module({ imports: [TelemetryModule.forRoot(probe.options)], providers: [Queue] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    await probe.metric('queue.size');
    expect(asked.splice(0).sort()).toEqual(['busy', 'size', 'taken']);

    app.get(Queue).onModuleDestroy();
    await probe.metric('queue.size');
    expect(asked).toEqual([]);

    {
      using registration = (await app.resolve(TelemetryService)).observableGauge('block.size', () =>
        asked.push('block'),
      );
      expect(typeof registration.remove).toBe('function');
      await expect(probe.metricValue('block.size')).resolves.toBe(1);
      asked.length = 0;
    }
    await probe.metric('block.size');
    expect(asked).toEqual([]);
    await app.close();
  });
});
