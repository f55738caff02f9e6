// Starts an application of ES modules, has a CommonJS package register another tracer provider, and prints whether the API took it.
// argv: when that package loads its copy of the API, `before` or `after` the start of telemetry.
import 'reflect-metadata';

import { createRequire } from 'node:module';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TelemetryModule } from 'nestjs-telemetry';

const require = createRequire(import.meta.url);
const early = process.argv[2] === 'before' ? require('@opentelemetry/api') : undefined;

class AppModule {}
Module({ imports: [TelemetryModule.forRoot({ serviceName: 'orders', environment: 'production' })] })(
  AppModule,
);

const app = await NestFactory.createApplicationContext(AppModule);
const api = early ?? require('@opentelemetry/api');
class OtherProvider {
  getTracer() {
    return api.trace.getTracer('other');
  }
}
const accepted = api.trace.setGlobalTracerProvider(new OtherProvider());
await app.close();
process.stdout.write(`${JSON.stringify({ accepted })}\n`);
