// A Nest service under load whose collector may be broken. `OPTIONS` is JSON of the options of telemetry; without it there is no
// telemetry, for comparison. Tells its parent its port, and answers `report` and `stop` with what it counts and what it has logged.
import 'reflect-metadata';

import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { getTelemetry, TelemetryModule } from 'nestjs-telemetry';

import { decorate } from '../../e2e/programs/decorate.mjs';

const { OPTIONS } = process.env;
const BIG = 'x'.repeat(2 ** 20);
/** Lines about exporters; all others are counted only, or they would fill the parent's pipe. */
const lines = [];
let written = 0;
const destination = {
  write(line) {
    written += 1;
    if (line.includes('"code":"export:')) lines.push(JSON.parse(line).msg);
  },
};

class OrderController {
  find() {
    if (OPTIONS === undefined) return { id: 1 };
    const telemetry = getTelemetry('orders');
    telemetry.logInfo('finding', { id: 1 });
    return telemetry.trace('find', { id: 1 }, () => ({ id: 1 }));
  }
  big() {
    return getTelemetry('orders').trace('big', { body: BIG }, () => ({ id: 1 }));
  }
}
Controller('orders')(OrderController);
decorate(OrderController.prototype, 'find', Get('one'));
decorate(OrderController.prototype, 'big', Get('big'));

class AppModule {}
Module({
  imports:
    OPTIONS === undefined
      ? []
      : [
          TelemetryModule.forRoot({
            serviceName: 'orders',
            dashboard: false,
            store: false,
            logging: { format: 'json', level: 'info', destination },
            ...JSON.parse(OPTIONS),
          }),
        ],
  controllers: [OrderController],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
/** Asked without a connection: a request out would be a span that belongs to the test. */
const scrape = async () => (await app.getHttpAdapter().getInstance().inject('/metrics')).payload;
process.on('message', async (message) => {
  if (message === 'report') {
    const metrics = OPTIONS === undefined ? '' : await scrape();
    process.send({ rss: process.memoryUsage.rss(), metrics, lines, written });
  } else if (message === 'stop') {
    await app.close();
    process.send({ rss: process.memoryUsage.rss(), metrics: '', lines, written }, () => process.disconnect());
  }
});
process.send(await app.getUrl());
