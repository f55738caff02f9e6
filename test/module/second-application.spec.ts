import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { type InstrumentationOptions, TelemetryModule, TelemetryService } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

@Injectable()
class Orders {
  constructor(
    readonly telemetry: TelemetryService,
    readonly events: EventEmitter2,
  ) {}

  @OnEvent('order.placed')
  onPlaced(): void {
    this.telemetry.logInfo('placed');
  }
}

/** Starts an application with the same classes as before, emits one event and returns the names of the spans. */
async function spansOfOneEvent(instrumentation: InstrumentationOptions): Promise<string[]> {
  const probe = createTelemetryProbe();
  @Module({
    imports: [TelemetryModule.forRoot({ ...probe.options, instrumentation }), EventEmitterModule.forRoot()],
    providers: [Orders],
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  await app.init();
  const { telemetry, events } = app.get(Orders);
  telemetry.trace('place', () => events.emit('order.placed'));
  await app.close();
  return probe.spans().map(({ name }) => name);
}

describe('applications that share classes in one process', () => {
  it('each record what their own options ask for, independent of what an earlier one has looked at', async () => {
    expect(await spansOfOneEvent({ eventEmitter: false })).toEqual(['place']);
    expect(await spansOfOneEvent({})).toEqual(['Orders.onPlaced', 'place']);
    expect(await spansOfOneEvent({ eventEmitter: false })).toEqual(['place']);
    expect(await spansOfOneEvent({})).toEqual(['Orders.onPlaced', 'place']);
  });
});
