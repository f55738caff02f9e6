// A Nest service on Fastify named `SERVICE` that keeps its telemetry in the file `STORE`, with the options `DASHBOARD` (JSON). Tells its
// parent its port; closes the application, and stays, when the parent says so.
import 'reflect-metadata';

import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule } from 'nestjs-telemetry';

import { decorate } from './decorate.mjs';

/** Its name is looked for in the profile. */
function burnInTheOtherProcess(milliseconds) {
  const until = performance.now() + milliseconds;
  let sum = 0;
  while (performance.now() < until)
    for (let round = 0; round < 1_000; round += 1) sum += Math.sqrt(sum + round);
  return sum;
}

class BusyController {
  burn() {
    return { sum: burnInTheOtherProcess(150) };
  }
}
Controller('busy')(BusyController);
decorate(BusyController.prototype, 'burn', Get());

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      serviceName: process.env.SERVICE,
      environment: 'development',
      dashboard: { token: 'a-token-of-this-test-0123456789', ...JSON.parse(process.env.DASHBOARD ?? '{}') },
      store: { file: process.env.STORE },
      logging: { format: 'json' },
      startCheck: false,
    }),
  ],
  controllers: [BusyController],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter());
await app.listen(0, '127.0.0.1');
process.send(app.getHttpServer().address().port);
process.on('message', () => void app.close());
// Whoever started it has ended: nobody else would stop it.
process.once('disconnect', () => process.exit());
