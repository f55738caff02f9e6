import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { metrics } from '@opentelemetry/api';
import {
  configureTelemetry,
  getTelemetry,
  type ObserveRegistration,
  type TelemetryHandle,
  TelemetryModule,
  TelemetryService,
} from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

describe('an observable instrument', () => {
  const reads = jest.fn(() => 7);
  let telemetry: TelemetryHandle;

  afterEach(() => telemetry.shutdown());

  it('is bound at the first collection of an SDK, and answers it', async () => {
    const registration = getTelemetry('queue').observableGauge('queue_length', reads);
    const probe = createTelemetryProbe();
    telemetry = configureTelemetry(probe.options);
    const create = jest.spyOn(metrics.getMeterProvider(), 'getMeter');
    getTelemetry('queue').observableGauge('queue_capacity', () => 9);
    getTelemetry('queue').counter('queue_reads').add(1);
    expect(create.mock.calls.map(([scope]) => scope)).toEqual(['queue']); // of the counter

    expect(await probe.metricValue('queue_length')).toBe(7);
    expect(await probe.metricValue('queue_capacity')).toBe(9);
    expect(await probe.metricValue('process.uptime')).toBeGreaterThan(0);

    const late = getTelemetry('queue').observableGauge('queue_age', () => 3);
    expect(await probe.metricValue('queue_age')).toBe(3);
    late.remove();
    registration.remove();
    reads.mockClear();
    await probe.metric('queue_length');
    expect(reads).not.toHaveBeenCalled();
  });

  it('answers only the SDK that runs after a restart', async () => {
    const registration = getTelemetry('queue').observableGauge('queue_restarted', reads);
    const first = createTelemetryProbe();
    telemetry = configureTelemetry(first.options);
    expect(await first.metricValue('queue_restarted')).toBe(7);
    await telemetry.shutdown();

    const second = createTelemetryProbe();
    telemetry = configureTelemetry(second.options);
    expect(await second.metricValue('queue_restarted')).toBe(7);
    reads.mockClear();
    await second.metric('queue_restarted');
    expect(reads).toHaveBeenCalledTimes(1);
    registration.remove();
  });
});

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
