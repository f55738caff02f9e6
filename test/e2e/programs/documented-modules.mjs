// Starts an application with each list of modules that the given files export as `modules`, asks it once and closes it. Prints, by the name of
// the file, how many applications did that, or why one did not.
import 'reflect-metadata';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryService } from 'nestjs-telemetry';

import { OrdersController } from './orders-controller.mjs';

// Names of the reader's application; see test/docs/application.d.ts.
globalThis.OrderService = class OrderService {};
globalThis.planOf = () => 'basic';

async function run(imports) {
  class AppModule {}
  Module({ imports, controllers: [OrdersController] })(AppModule);
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
  try {
    await app.listen(0, '127.0.0.1');
    const { status } = await fetch(`http://127.0.0.1:${app.getHttpServer().address().port}/orders`);
    if (status !== 200) throw new Error(`the answer has the status ${status}`);
    const telemetry = await app.resolve(TelemetryService);
    telemetry.logInfo('the module of the docs is there');
  } finally {
    await app.close();
  }
}

const results = {};
for (const file of process.argv.slice(2)) {
  const name = file.slice(file.lastIndexOf('/') + 1);
  try {
    const { modules } = await import(file);
    for (const imports of modules) await run(imports);
    results[name] = modules.length;
  } catch (error) {
    results[name] = String(error);
  }
}
process.stdout.write(`\n${JSON.stringify(results)}\n`);
process.exit();
