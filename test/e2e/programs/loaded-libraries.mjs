// A Nest service on Fastify that has loaded clients of databases, and has a counter with too many series.
// Tells its parent its port.
import 'reflect-metadata';

import { createRequire } from 'node:module';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { getTelemetry, TelemetryModule } from 'nestjs-telemetry';

const require = createRequire(import.meta.url);
require('pg');
require('mongodb');
for (const client of process.env.CLIENTS.split(',')) require(client);

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      serviceName: 'libraries',
      logging: false,
      dashboard: { enabled: true, token: false },
      store: { file: ':memory:' },
      cardinalityLimits: { 'logins.made': 5 },
    }),
  ],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
const logins = getTelemetry('libraries').counter('logins.made');
for (let user = 0; user < 50; user += 1) logins.add(1, { user: String(user), kind: 'web' });
await app.listen(0, '127.0.0.1');
process.send(app.getHttpServer().address().port);
process.once('message', () => app.close().then(() => process.exit()));
