// A Nest service for the commands: GET / calls the service behind it (`NEXT`), where there is one, and GET /fails fails. `OPTIONS` are
// those of the module as JSON. Tells its parent its port.
import 'reflect-metadata';

import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule, TelemetryService } from 'nestjs-telemetry';

import { decorate } from './decorate.mjs';

const { NEXT, OPTIONS = '{}', PORT = '0', USERS = '0' } = process.env;

class RootController {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  async answer() {
    for (let user = 0; user < Number(USERS); user += 1)
      this.telemetry.counter('orders_total').add(1, { user: String(user) });
    this.telemetry.logInfo('answering', { users: Number(USERS) });
    this.telemetry.logDebug('details');
    return NEXT === undefined ? 'done' : await (await fetch(NEXT)).text();
  }
  fail() {
    throw new Error('out of stock');
  }
}
Controller()(RootController);
Inject(TelemetryService)(RootController, undefined, 0);
decorate(RootController.prototype, 'answer', Get());
decorate(RootController.prototype, 'fail', Get('fails'));

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
await app.listen(Number(PORT), '127.0.0.1');
process.send(app.getHttpServer().address().port);
// The spec has ended, and cannot stop it.
process.once('disconnect', () => process.exit());
