// Starts, asks and closes a NestJS application and prints which files of the library it has loaded. argv: `esm` or `cjs`, and
// `kept` where telemetry is kept for the dashboard, `disabled` where there is none, or `not-kept`.
import 'reflect-metadata';

import { createRequire, registerHooks } from 'node:module';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { OrdersController } from './orders-controller.mjs';

const [, , format, telemetry] = process.argv;

const files = [];
registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) files.push(url);
    return nextLoad(url, context);
  },
});
const { TelemetryModule } =
  format === 'esm' ? await import('nestjs-telemetry') : createRequire(import.meta.url)('nestjs-telemetry');

class AppModule {}
const options = {
  kept: { dashboard: true, store: { file: ':memory:' } },
  'not-kept': { dashboard: false, store: false },
  disabled: { enabled: false },
}[telemetry];
Module({
  imports: [TelemetryModule.forRoot({ serviceName: 'orders', environment: 'development', ...options })],
  controllers: [OrdersController],
})(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
const answer = await fetch(`http://127.0.0.1:${app.getHttpServer().address().port}/orders`);
await app.close();
process.stdout.write(
  `${JSON.stringify({
    status: answer.status,
    files,
    hasSqlite: process.moduleLoadList.includes('NativeModule sqlite'),
  })}\n`,
);
