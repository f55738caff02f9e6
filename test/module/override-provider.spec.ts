import { Controller, Get, Injectable } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import * as library from 'nestjs-telemetry';
import {
  getCurrentTraceId,
  TELEMETRY_HANDLE,
  TELEMETRY_MODULE_OPTIONS,
  TelemetryModule,
  TelemetryService,
} from 'nestjs-telemetry';
import { createTelemetryProbe, disabledTelemetry } from 'nestjs-telemetry/testing';

import { isRegistered } from '../../lib/runtime/registered-globals.js';

@Injectable()
class Orders {
  constructor(readonly telemetry: TelemetryService) {}
}

@Controller()
class OrdersController {
  constructor(private readonly orders: Orders) {}

  @Get('orders')
  list(): object {
    return this.orders.telemetry.trace('list', () => ({ traceId: getCurrentTraceId() ?? 'none' }));
  }
}

describe('a test module', () => {
  const create = () =>
    Test.createTestingModule({
      imports: [TelemetryModule.forRoot(createTelemetryProbe().options)],
      controllers: [OrdersController],
      providers: [Orders],
    });

  it('starts nothing when TELEMETRY_HANDLE is overridden, and everything works without it', async () => {
    const testing = await create().overrideProvider(TELEMETRY_HANDLE).useValue(disabledTelemetry()).compile();
    const app = testing.createNestApplication(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    expect(isRegistered('trace')).toBe(false);
    const response = await fetch(`${await app.getUrl()}/orders`);
    await expect(response.json()).resolves.toEqual({ traceId: 'none' });
    expect((await fetch(`${await app.getUrl()}/metrics`)).status).toBe(404);
    await app.close();
  });

  it('starts with other options when TELEMETRY_MODULE_OPTIONS is overridden', async () => {
    const probe = createTelemetryProbe();
    const testing = await create()
      .overrideProvider(TELEMETRY_MODULE_OPTIONS)
      .useValue({ ...probe.options, serviceName: 'overridden' })
      .compile();
    const { telemetry } = testing.get(Orders);
    telemetry.trace('work', () => undefined);
    expect(probe.span('work').resource.attributes['service.name']).toBe('overridden');
    await testing.close();
  });

  it('may still name both tokens as before', () => {
    const { TELEMETRY, TELEMETRY_OPTIONS } = library as Record<string, unknown>;
    expect(TELEMETRY).toBe(TELEMETRY_HANDLE);
    expect(TELEMETRY_OPTIONS).toBe(TELEMETRY_MODULE_OPTIONS);
  });
});
