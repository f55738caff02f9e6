// The service that the commands of the docs start, ask and watch: GET /orders/:id, with a log line and a counter of `OrderService`.
// It is set up by variables alone, and prints where it listens.
import 'reflect-metadata';

import { Controller, Get, Inject, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule, TelemetryService } from 'nestjs-telemetry';

import { decorate } from './decorate.mjs';

class OrderService {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  find(id) {
    this.telemetry.counter('orders_total').add(1);
    this.telemetry.logInfo('Order found', { id });
    return { id };
  }
}
Inject(TelemetryService)(OrderService, undefined, 0);

class OrdersController {
  constructor(orders) {
    this.orders = orders;
  }
  find(id) {
    return this.orders.find(id);
  }
}
Controller('orders')(OrdersController);
Inject(OrderService)(OrdersController, undefined, 0);
decorate(OrdersController.prototype, 'find', Get(':id'));
Param('id')(OrdersController.prototype, 'find', 0);

class AppModule {}
Module({
  imports: [TelemetryModule.forRoot()],
  controllers: [OrdersController],
  providers: [OrderService],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter());
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
console.log(`listening on ${await app.getUrl()}`);
