// A Nest service for `nestjs-telemetry doctor`: GET / calls the service behind it (`NEXT`), where there is one. `OPTIONS` are
// those of the module as JSON. Tells its parent its port.
import 'reflect-metadata';

import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule, TelemetryService } from 'nestjs-telemetry';

import { decorate } from './decorate.mjs';

const { NEXT, OPTIONS = '{}', USERS = '0' } = process.env;

class RootController {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  async answer() {
    for (let user = 0; user < Number(USERS); user += 1)
      this.telemetry.counter('orders_total').add(1, { user: String(user) });
    return NEXT === undefined ? 'done' : await (await fetch(NEXT)).text();
  }
}
Controller()(RootController);
Inject(TelemetryService)(RootController, undefined, 0);
decorate(RootController.prototype, 'answer', Get());

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      environment: 'development',
      dashboard: { enabled: true, token: false },
      ...JSON.parse(OPTIONS),
    }),
  ],
  controllers: [RootController],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.send(app.getHttpServer().address().port);
// The spec has ended, and cannot stop it.
process.once('disconnect', () => process.exit());
