import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { detectResources, hostDetector } from '@opentelemetry/resources';
import { getTelemetry, TelemetryModule } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

describe('attributes of a resource detector, awaited in forRootAsync()', () => {
  it('are on every span from the first, also those that the detector looks up in the background', async () => {
    const probe = createTelemetryProbe();
    const detected = detectResources({ detectors: [hostDetector] });
    expect(detected.asyncAttributesPending).toBe(true);

    @Module({
      imports: [
        TelemetryModule.forRootAsync({
          useFactory: async () => {
            await detected.waitForAsyncAttributes?.();
            return { ...probe.options, resourceAttributes: { ...detected.attributes, team: 'orders' } };
          },
        }),
      ],
    })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    getTelemetry('test').trace('work', () => undefined);
    const { attributes } = probe.span('work').resource;
    expect(attributes).toMatchObject({ ...detected.attributes, team: 'orders' });
    expect(Object.keys(detected.attributes)).toContain('host.id');
    await app.close();
  });
});
