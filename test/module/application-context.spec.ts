import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TelemetryModule, TelemetryService, Trace } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

describe('TelemetryModule in an application context', () => {
  it('starts where there is no HTTP adapter at all', async () => {
    @Injectable()
    class Job {
      constructor(readonly telemetry: TelemetryService) {}

      @Trace()
      run(): void {
        this.telemetry.logInfo('running');
      }
    }
    const probe = createTelemetryProbe();
    @Module({ imports: [TelemetryModule.forRoot(probe.options)], providers: [Job] })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    app.get(Job).run();
    expect(probe.span('Job.run').instrumentationScope.name).toBe('Job');
    expect(probe.logLines().map(({ msg, context }) => [msg, context])).toEqual([['running', 'Job']]);
    await app.close();
  });
});
