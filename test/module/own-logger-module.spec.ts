import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import { TelemetryModule } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

describe("an application with nestjs-pino's module of its own", () => {
  it('keeps its logger when logging is false, and is traced all the same', async () => {
    @Controller()
    class OrdersController {
      constructor(private readonly logger: PinoLogger) {}

      @Get('orders')
      list(): string[] {
        this.logger.info('listing');
        return [];
      }
    }
    const lines: string[] = [];
    const probe = createTelemetryProbe();
    @Module({
      imports: [
        TelemetryModule.forRoot({ ...probe.options, logging: false }),
        LoggerModule.forRootAsync({
          useFactory: async () => {
            // A configuration that is read from somewhere: nestjs-pino belongs to whoever is first in the process.
            await new Promise((resolve) => setTimeout(resolve, 20));
            const stream = { write: (line: string) => lines.push(line) };
            return { forRoutes: [], pinoHttp: { stream, base: { own: true } } };
          },
        }),
      ],
      controllers: [OrdersController],
    })
    class AppModule {}

    const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    await fetch(`${await app.getUrl()}/orders`);
    await app.close();

    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ own: true, msg: 'listing' }),
    ]);
    expect(probe.span('GET /orders').attributes['http.route']).toBe('/orders');
    expect(probe.logLines()).toEqual([]);
  });
});
