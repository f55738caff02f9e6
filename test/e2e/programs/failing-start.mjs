// An application whose provider fails while the container is filled. argv: `esm` or `cjs`, the file of the store, and the method of the module.
import 'reflect-metadata';

import { createRequire } from 'node:module';

import { Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const [, , format, file, method] = process.argv;
const { TelemetryModule } =
  format === 'esm' ? await import('nestjs-telemetry') : createRequire(import.meta.url)('nestjs-telemetry');

class OrderStore {
  constructor() {
    new Logger('OrderStore').error('the shelf cannot be reached');
    throw new Error('no shelf');
  }
}
Injectable()(OrderStore);

class AppModule {}
const options = { serviceName: 'orders', environment: 'development', store: { file } };
Module({
  imports: [
    method === 'forRootAsync'
      ? TelemetryModule.forRootAsync({ useFactory: () => options })
      : TelemetryModule.forRoot(options),
  ],
  providers: [OrderStore],
})(AppModule);

await NestFactory.create(AppModule, new FastifyAdapter());
