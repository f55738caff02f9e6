// A Nest service in development whose logger is chosen by `LOGGER` (JSON of `NestFactory`'s option, `json` for a console logger
// that writes JSON) and by `USE_LOGGER` (JSON of what `app.useLogger()` gets). It answers two requests of its own, one of which
// fails, makes telemetry warn, and ends.
import 'reflect-metadata';

import { ConsoleLogger, Controller, Get, Inject, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule, TelemetryService } from 'nestjs-telemetry';

import { decorate } from './decorate.mjs';

class OrderController {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  find() {
    this.telemetry.logInfo('line of the service');
    new Logger('Orders').log('line of the application');
    return 'ok';
  }
  fail() {
    throw new RangeError('no such order');
  }
  taken() {
    return 'taken';
  }
}
Controller('orders')(OrderController);
Inject(TelemetryService)(OrderController, undefined, 0);
decorate(OrderController.prototype, 'find', Get('one'));
decorate(OrderController.prototype, 'fail', Get('two'));
decorate(OrderController.prototype, 'taken', Get('three'));

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      serviceName: 'orders',
      environment: 'development',
      store: { file: ':memory:' },
      // Cannot be served: the application has a route there. That is a warning.
      prometheus: { path: '/orders/three' },
    }),
  ],
  controllers: [OrderController],
})(AppModule);

const { ADAPTER, LOGGER = 'null', USE_LOGGER } = process.env;
const logger = LOGGER === 'json' ? new ConsoleLogger({ json: true }) : JSON.parse(LOGGER);
const adapter = ADAPTER === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, adapter, logger === null ? {} : { logger });
if (USE_LOGGER !== undefined)
  app.useLogger(USE_LOGGER === 'json' ? new ConsoleLogger({ json: true }) : JSON.parse(USE_LOGGER));
await app.listen(0, '127.0.0.1');
for (const path of ['one', 'two']) await fetch(`${await app.getUrl()}/orders/${path}`);
await app.close();
