// A Nest service on Fastify that keeps its telemetry in the file `STORE` (the store's options as JSON). Tells its parent its port.
import 'reflect-metadata';

import { Controller, Get, Inject, Injectable, Module, NotFoundException, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule, TelemetryService, Trace } from 'nestjs-telemetry';

import { decorate } from './decorate.mjs';

class OrderService {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  async find(id) {
    if (Number(id) % 10 === 9) throw new NotFoundException(`order ${id} is unknown`);
    this.telemetry.logInfo('order read', { id });
    return { id };
  }
}
Injectable()(OrderService);
Inject(TelemetryService)(OrderService, undefined, 0);
decorate(OrderService.prototype, 'find', Trace());

class OrderController {
  constructor(orders) {
    this.orders = orders;
  }
  find(id) {
    return this.orders.find(id);
  }
}
Controller('orders')(OrderController);
Inject(OrderService)(OrderController, undefined, 0);
Param('id')(OrderController.prototype, 'find', 0);
decorate(OrderController.prototype, 'find', Get(':id'));

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      serviceName: 'orders',
      environment: 'development',
      dashboard: true,
      store: JSON.parse(process.env.STORE),
    }),
  ],
  controllers: [OrderController],
  providers: [OrderService],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.send(app.getHttpServer().address().port);
// Whoever started it has ended: nobody else would stop it.
process.once('disconnect', () => process.exit());
