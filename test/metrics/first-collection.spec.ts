import { metrics } from '@opentelemetry/api';
import { configureTelemetry, getTelemetry, type TelemetryHandle } from 'nestjs-telemetry';
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
