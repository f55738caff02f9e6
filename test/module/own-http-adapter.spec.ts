import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { PinoLogger } from 'nestjs-pino';
import { TelemetryModule } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

/** As a platform that nobody has heard of: its requests cannot be reached before its middleware. */
class OwnAdapter extends ExpressAdapter {
  override getType(): string {
    return 'own';
  }
}

describe('an application on an HTTP adapter of its own', () => {
  it('has a logging scope for each request, by the middleware of nestjs-pino', async () => {
    @Controller()
    class OrdersController {
      constructor(private readonly logger: PinoLogger) {}

      @Get('orders')
      list(): string[] {
        this.logger.assign({ tenant: 'acme' });
        this.logger.info('listing');
        return [];
      }
    }
    const probe = createTelemetryProbe();
    @Module({ imports: [TelemetryModule.forRoot(probe.options)], controllers: [OrdersController] })
    class AppModule {}

    const app = await NestFactory.create(AppModule, new OwnAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const { status } = await fetch(`${await app.getUrl()}/orders`);
    await app.close();

    expect(status).toBe(200);
    expect(probe.logLines()).toContainEqual(expect.objectContaining({ msg: 'listing', tenant: 'acme' }));
  });
});
